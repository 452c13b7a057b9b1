"""Payment methods over the API: cards by number, or Stripe's names of test cards such as `pm_card_visa`."""

from typing import Any, Final

from billing.sandbox import payments, values
from billing.sandbox.errors import Refusal, invalid
from billing.sandbox.payments import METHOD
from billing.sandbox.routes import route
from billing.sandbox.state import Object, State

NAMED: Final = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_amex": "378282246310005",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_authenticationRequired": "4000002500003155",
}
NUMBERED: Final = {f"tok_{name.removeprefix('pm_card_')}": number for name, number in NAMED.items()}
ADDRESS: Final = {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}


@route("POST", "/v1/payment_methods")
def create(state: State, params: dict[str, Any]) -> Object:
    if params.get("type") != "card":
        raise invalid(f"The stand-in has cards only, not {params.get('type')!r}.", "type")
    sent = params.get("card") or {}
    number = NUMBERED.get(sent.get("token", ""), sent.get("number"))
    if number is None:
        raise Refusal(400, "parameter_missing", "Missing required param: card[number].", "card[number]")
    expires = (sent.get("exp_month", payments.EXPIRES[0]), sent.get("exp_year", payments.EXPIRES[1]))
    return state.put(METHOD, _made(state, number, expires, params))


def _made(state: State, number: str, expires: tuple[int, int], params: dict[str, Any]) -> Object:
    method = values.new(state, METHOD, "pm")
    method |= {"billing_details": ADDRESS | params.get("billing_details", {}), "card": payments.card(number, *expires)}
    method |= {"customer": None, "type": "card", "allow_redisplay": params.get("allow_redisplay", "unspecified")}
    method["metadata"] = values.metadata({}, params.get("metadata"))
    return method


@route("GET", "/v1/payment_methods/{id}")
def retrieve(state: State, params: dict[str, Any], method_id: str) -> Object:
    return state.get(METHOD, method_id, "payment_method")


@route("POST", "/v1/payment_methods/{id}")
def update(state: State, params: dict[str, Any], method_id: str) -> Object:
    method = state.get(METHOD, method_id, "payment_method")
    changes: Object = {}
    if "billing_details" in params:
        changes["billing_details"] = method["billing_details"] | params["billing_details"]
    if "metadata" in params:
        changes["metadata"] = values.metadata(method["metadata"], params["metadata"])
    if "card" in params:
        changes["card"] = method["card"] | values.given(params["card"], ("exp_month", "exp_year"))
    return values.change(state, method, changes, "payment_method.updated")


@route("POST", "/v1/payment_methods/{id}/attach")
def attach(state: State, params: dict[str, Any], method_id: str) -> Object:
    """Raises `Refusal` 402 for a card that is declined at once, and 400 for one that belongs to another customer."""
    customer_id = params.get("customer")
    if not customer_id:
        raise Refusal(400, "parameter_missing", "Missing required param: customer.", "customer")
    state.get("customer", customer_id, "customer")
    if method_id in NAMED and method_id not in state.table(METHOD):
        return payments.method(state, customer_id, NAMED[method_id])
    method = state.get(METHOD, method_id, "payment_method")
    if method["customer"] not in (None, customer_id):
        raise invalid("The payment method you provided has already been attached to a customer.", "payment_method")
    if method["card"]["last4"] in payments.REFUSED_AT_ONCE:
        raise payments.failure_of(method["card"]["last4"]).refusal()
    return values.change(state, method, {"customer": customer_id}, "payment_method.attached")


@route("POST", "/v1/payment_methods/{id}/detach")
def detach(state: State, params: dict[str, Any], method_id: str) -> Object:
    method = state.get(METHOD, method_id, "payment_method")
    if method["customer"] is None:
        message = "The payment method you provided is not attached to a customer, so it cannot be detached."
        raise invalid(message, "payment_method")
    _forget(state, method)
    return values.change(state, method, {"customer": None}, "payment_method.detached")


def _forget(state: State, method: Object) -> None:
    """It is nobody's default any more."""
    customer = state.table("customer").get(method["customer"])
    if customer and customer["invoice_settings"]["default_payment_method"] == method["id"]:
        settings = customer["invoice_settings"] | {"default_payment_method": None}
        values.change(state, customer, {"invoice_settings": settings}, "customer.updated")
    for subscription in list(state.table("subscription").values()):
        if subscription.get("default_payment_method") == method["id"]:
            values.change(state, subscription, {"default_payment_method": None}, "customer.subscription.updated")


@route("GET", "/v1/payment_methods")
def list_all(state: State, params: dict[str, Any]) -> Object:
    return _listed(state, params, params.get("customer"))


@route("GET", "/v1/customers/{id}/payment_methods")
def list_of_customer(state: State, params: dict[str, Any], customer_id: str) -> Object:
    state.get("customer", customer_id, "customer")
    return _listed(state, params, customer_id)


@route("GET", "/v1/customers/{id}/payment_methods/{id}")
def retrieve_of_customer(state: State, params: dict[str, Any], customer_id: str, method_id: str) -> Object:
    method = state.get(METHOD, method_id, "payment_method")
    if method["customer"] != customer_id:
        raise invalid(f"The customer does not have a payment method with the ID {method_id}.", "payment_method")
    return method


def _listed(state: State, params: dict[str, Any], customer_id: str | None) -> Object:
    kind = params.get("type", "card")
    return state.list(METHOD, params, lambda method: method["customer"] == customer_id and method["type"] == kind)
