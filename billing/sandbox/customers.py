"""Customers, with their tax ids and their balance."""

import hashlib
from collections.abc import Callable
from typing import Any, Final

from billing.sandbox import values
from billing.sandbox.errors import invalid
from billing.sandbox.routes import expansion, route
from billing.sandbox.state import Object, State

KIND: Final = "customer"
GONE: Final = "_deleted_customer"
TAX_ID: Final = "tax_id"
TRANSACTION: Final = "customer_balance_transaction"
PLAIN: Final = (
    "address",
    "business_name",
    "description",
    "email",
    "individual_name",
    "invoice_prefix",
    "name",
    "next_invoice_sequence",
    "phone",
    "preferred_locales",
    "shipping",
    "tax_exempt",
)
INVOICE_SETTINGS: Final = {"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None}
EMAIL_LENGTH: Final = 512
LEAVING: Final[list[Callable[[State, Object], None]]] = []  # what else ends when a customer is deleted


@route("POST", "/v1/customers")
def create(state: State, params: dict[str, Any]) -> Object:
    customer = values.new(state, KIND, "cus")
    customer |= {
        "balance": params.get("balance", 0),
        "currency": None,
        "delinquent": False,
        "invoice_prefix": hashlib.sha256(customer["id"].encode()).hexdigest()[:8].upper(),
        "invoice_settings": INVOICE_SETTINGS | _settings(params),
        "metadata": values.metadata({}, params.get("metadata")),
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": "none",
        **_plain(params),
    }
    state.put(KIND, customer)
    state.emit("customer.created", customer)
    for tax_id in params.get("tax_id_data", []):
        create_tax_id(state, tax_id, customer["id"])
    return customer


@route("GET", "/v1/customers/{id}")
def retrieve(state: State, params: dict[str, Any], customer_id: str) -> Object:
    return state.table(GONE).get(customer_id) or state.get(KIND, customer_id)


@route("POST", "/v1/customers/{id}")
def update(state: State, params: dict[str, Any], customer_id: str) -> Object:
    customer = state.get(KIND, customer_id)
    changes = _plain(params)
    if "balance" in params:
        changes["balance"] = params["balance"]
    if "metadata" in params:
        changes["metadata"] = values.metadata(customer["metadata"], params["metadata"])
    if "invoice_settings" in params:
        _must_be_attached(state, customer_id, params["invoice_settings"].get("default_payment_method"))
        changes["invoice_settings"] = customer["invoice_settings"] | _settings(params)
    return values.change(state, customer, changes, "customer.updated")


@route("DELETE", "/v1/customers/{id}")
def delete(state: State, params: dict[str, Any], customer_id: str) -> Object:
    customer = state.get(KIND, customer_id)
    for act in LEAVING:
        act(state, customer)
    state.emit("customer.deleted", customer)
    return state.put(GONE, state.drop(KIND, customer_id))


@route("GET", "/v1/customers")
def list_all(state: State, params: dict[str, Any]) -> Object:
    return state.list(KIND, params, lambda customer: params.get("email", customer.get("email")) == customer.get("email"))


# --- tax ids


@route("POST", "/v1/customers/{id}/tax_ids")
def create_tax_id(state: State, params: dict[str, Any], customer_id: str) -> Object:
    state.get(KIND, customer_id, "customer")
    tax_id = values.new(state, TAX_ID, "txi")
    tax_id |= {
        "country": (params["value"] if params["type"] == "eu_vat" else params["type"])[:2].upper(),
        "customer": customer_id,
        "owner": {"type": "customer", "customer": customer_id},
        "type": params["type"],
        "value": params["value"],
        "verification": {"status": "unavailable" if params["type"] != "eu_vat" else "verified"},
    }
    state.put(TAX_ID, tax_id)
    state.emit("customer.tax_id.created", tax_id)
    return tax_id


@route("GET", "/v1/customers/{id}/tax_ids")
def list_tax_ids(state: State, params: dict[str, Any], customer_id: str) -> Object:
    state.get(KIND, customer_id, "customer")
    return state.list(TAX_ID, params, lambda tax_id: tax_id["customer"] == customer_id)


@route("GET", "/v1/customers/{id}/tax_ids/{id}")
def retrieve_tax_id(state: State, params: dict[str, Any], customer_id: str, tax_id: str) -> Object:
    return state.get(TAX_ID, tax_id)


@route("DELETE", "/v1/customers/{id}/tax_ids/{id}")
def delete_tax_id(state: State, params: dict[str, Any], customer_id: str, tax_id: str) -> Object:
    state.emit("customer.tax_id.deleted", state.get(TAX_ID, tax_id))
    return state.drop(TAX_ID, tax_id)


@expansion(KIND, "tax_ids")
def tax_ids(state: State, customer: Object) -> Object:
    return list_tax_ids(state, {}, customer["id"]) | {"url": f"/v1/customers/{customer['id']}/tax_ids"}


# --- balance


@route("POST", "/v1/customers/{id}/balance_transactions")
def create_balance_transaction(state: State, params: dict[str, Any], customer_id: str) -> Object:
    customer = state.get(KIND, customer_id, "customer")
    return adjust_balance(
        state,
        customer,
        params["amount"],
        params["currency"],
        description=params.get("description"),
        metadata=values.metadata({}, params.get("metadata")),
    )


def adjust_balance(
    state: State, customer: Object, amount: int, currency: str, *, type: str = "adjustment", **more: Any
) -> Object:
    """Add to what a customer owes: a negative amount is credit that its next invoices use. `more` goes into the transaction.

    Raises `Refusal` for another currency than the customer's.
    """
    if customer["currency"] not in (None, currency):
        raise invalid(f"The customer's currency is {customer['currency']}, not {currency}.", "currency")
    transaction = values.new(state, TRANSACTION, "cbtxn")
    transaction |= {"metadata": {}, "description": None, "invoice": None, "credit_note": None, "checkout_session": None}
    transaction |= {"amount": amount, "currency": currency, "customer": customer["id"], "type": type, **more}
    transaction["ending_balance"] = customer["balance"] + amount
    state.put(TRANSACTION, transaction)
    values.change(state, customer, {"balance": customer["balance"] + amount, "currency": currency}, "customer.updated")
    return transaction


@route("GET", "/v1/customers/{id}/balance_transactions")
def list_balance_transactions(state: State, params: dict[str, Any], customer_id: str) -> Object:
    state.get(KIND, customer_id, "customer")
    return state.list(TRANSACTION, params, lambda transaction: transaction["customer"] == customer_id)


@route("GET", "/v1/customers/{id}/balance_transactions/{id}")
def retrieve_balance_transaction(state: State, params: dict[str, Any], customer_id: str, transaction_id: str) -> Object:
    return state.get(TRANSACTION, transaction_id)


def _plain(params: dict[str, Any]) -> Object:
    fields = values.given(params, PLAIN)
    email = fields.get("email")
    if email is not None and ("@" not in email or len(email) > EMAIL_LENGTH):
        raise invalid(f"Invalid email address: {email}", "email", "email_invalid")
    return fields


def _settings(params: dict[str, Any]) -> Object:
    sent = params.get("invoice_settings", {})
    return values.given(sent, tuple(INVOICE_SETTINGS))


def _must_be_attached(state: State, customer_id: str, method_id: str | None) -> None:
    if (
        method_id
        and state.get("payment_method", method_id, "invoice_settings[default_payment_method]")["customer"] != customer_id
    ):
        message = (
            f"The customer does not have a payment method with the ID {method_id}. The payment method must be attached first."
        )
        raise invalid(message, "invoice_settings[default_payment_method]", "resource_missing")
