"""Cards and what they do, and an attempt to charge one for an invoice. No money moves."""

from dataclasses import dataclass
from typing import Any, Final

from billing.sandbox import values
from billing.sandbox.agenda import changing
from billing.sandbox.errors import CARD_ERROR, Refusal, invalid
from billing.sandbox.state import Object, State

METHOD: Final = "payment_method"
AUTHENTICATED: Final = "_authenticated"  # cards whose owner agreed to later charges, by the payment method's id
DECLINED: Final = ("card_declined", "generic_decline", "Your card was declined.")
NO_FUNDS: Final = ("card_declined", "insufficient_funds", "Your card has insufficient funds.")
AUTHENTICATE: Final = (
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
MISSING: Final = "missing"
CARDS: Final = {  # the last four digits, and what the card answers to a charge
    "0002": DECLINED,
    "0341": DECLINED,  # but not to the first payment at checkout
    "9995": NO_FUNDS,
    "3155": AUTHENTICATE,  # until it was authenticated once
}
REFUSED_AT_ONCE: Final = frozenset({"0002", "9995"})  # cannot even be attached
BRANDS: Final = {"4": "visa", "5": "mastercard", "3": "amex", "6": "discover"}
EXPIRES: Final = (12, 2034)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a charge did not succeed."""

    code: str
    decline: str
    message: str

    def refusal(self, **extra: Any) -> Refusal:
        """The answer to who asked for the charge."""
        if self.code == MISSING:
            return invalid(f"{self.message} Please consider adding a default payment method.", None, "resource_missing")
        return Refusal(402, self.code, self.message, type=CARD_ERROR, decline_code=self.decline, **extra)


def card(number: str, month: int, year: int) -> Object:
    """The `card` of a payment method. Raises `Refusal` 402 for a number that no card has."""
    digits = "".join(number.split())
    if not digits.isdecimal() or not 12 <= len(digits) <= 19 or not _luhn(digits):
        raise Refusal(402, "incorrect_number", "Your card number is incorrect.", "number", CARD_ERROR)
    brand = BRANDS.get(digits[0], "unknown")
    return {
        "brand": brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "display_brand": brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": f"fp{digits[-8:]}",
        "funding": "credit",
        "last4": digits[-4:],
        "networks": {"available": [brand], "preferred": None},
        "three_d_secure_usage": {"supported": True},
    }


def method(state: State, customer_id: str, number: str, expires: tuple[int, int] = EXPIRES, name: str | None = None) -> Object:
    """A new payment method of a customer. Raises `Refusal` 402 for a card that is declined already here."""
    details = card(number, *expires)
    if details["last4"] in REFUSED_AT_ONCE:
        raise failure_of(details["last4"]).refusal()
    new = values.new(state, METHOD, "pm")
    new |= {"billing_details": {"name": name}, "card": details, "customer": customer_id, "metadata": {}, "type": "card"}
    new["allow_redisplay"] = "always"
    state.put(METHOD, new)
    state.emit("payment_method.attached", new)
    return new


def authenticate(state: State, method_id: str) -> None:
    """The card's owner agrees to charges later on."""
    state.put(AUTHENTICATED, {"id": method_id})


def failure_of(last4: str) -> Failure:
    """What a card answers that does not work."""
    return Failure(*CARDS[last4])


def needs_authentication(state: State, method_id: str) -> bool:
    """Whether a card asks its owner first."""
    return bool(state.get(METHOD, method_id)["card"]["last4"] == "3155" and method_id not in state.table(AUTHENTICATED))


def default_of(state: State, customer: Object, subscription: Object | None) -> str | None:
    """The payment method that a charge would use: the subscription's own, else the customer's."""
    own = subscription.get("default_payment_method") if subscription else None
    name: str | None = own or (customer.get("invoice_settings") or {}).get("default_payment_method")
    return name if name in state.table(METHOD) else None


def attempt(state: State, invoice: Object, method_id: str | None, *, at_checkout: bool = False) -> Failure | None:
    """Charge an invoice's remaining amount: the intent, the charge and the invoice's payment are made or updated, and told of."""
    failure = _answer(state, method_id, at_checkout=at_checkout)
    payment, intent = _payment(state, invoice), _intent(state, invoice)
    charge = _charge(state, invoice, intent, method_id, failure) if method_id else None
    with changing(state, intent, _told(failure)):
        intent |= _outcome(intent, charge, failure, method_id)
    if failure is None:
        paid = {"amount_paid": invoice["amount_remaining"], "status": "paid", "status_transitions": _paid(state)}
        values.change(state, payment, paid, "invoice_payment.paid")
    return failure


def must_work(state: State, method_id: str | None) -> None:
    """Raises `Refusal` 402 if a charge would fail."""
    if failure := _answer(state, method_id, at_checkout=False):
        raise failure.refusal()


def must_work_at_checkout(state: State, method_id: str) -> None:
    """Raises `Refusal` 402 if a charge with the owner at the page would fail."""
    if failure := _answer(state, method_id, at_checkout=True):
        raise failure.refusal()


def _told(failure: Failure | None) -> str:
    if failure is None:
        return "payment_intent.succeeded"
    return "payment_intent.requires_action" if failure.code == AUTHENTICATE[0] else "payment_intent.payment_failed"


def _answer(state: State, method_id: str | None, *, at_checkout: bool) -> Failure | None:
    if method_id is None:
        return Failure(MISSING, MISSING, "This customer has no attached payment source or default payment method.")
    last4 = state.get(METHOD, method_id)["card"]["last4"]
    if last4 not in CARDS or (last4 == "0341" and at_checkout):
        return None
    if last4 == "3155" and not needs_authentication(state, method_id):
        return None
    return failure_of(last4)


def _payment(state: State, invoice: Object) -> Object:
    """The invoice's payment that is open, or a new one with an intent of its own."""
    for payment in of_invoice(state, invoice["id"]):
        if payment["status"] == "open":
            return payment
    intent = values.new(state, "payment_intent", "pi")
    intent |= {"amount": invoice["amount_remaining"], "amount_capturable": 0, "amount_received": 0, "capture_method": "automatic"}
    intent |= {
        "client_secret": f"{intent['id']}_secret_{state.new_id('x')[2:]}",
        "confirmation_method": "automatic",
        "metadata": {},
    }
    intent |= {"currency": invoice["currency"], "customer": invoice["customer"], "payment_method_types": ["card"]}
    state.put("payment_intent", intent | {"status": "requires_payment_method", "description": "Subscription update"})
    state.emit("payment_intent.created", state.get("payment_intent", intent["id"]))
    payment = values.new(state, "invoice_payment", "inpay")
    payment |= {"amount_requested": invoice["amount_remaining"], "currency": invoice["currency"], "invoice": invoice["id"]}
    payment |= {"is_default": True, "payment": {"type": "payment_intent", "payment_intent": intent["id"]}, "status": "open"}
    payment["status_transitions"] = {"canceled_at": None, "paid_at": None}
    _by_invoice(state).setdefault(invoice["id"], []).append(payment["id"])
    return state.put("invoice_payment", payment)


def _intent(state: State, invoice: Object) -> Object:
    return state.get("payment_intent", of_invoice(state, invoice["id"])[-1]["payment"]["payment_intent"])


def of_invoice(state: State, invoice_id: str) -> list[Object]:
    """The payments of an invoice, oldest first."""
    return [state.get("invoice_payment", id) for id in _by_invoice(state).get(invoice_id, [])]


def _by_invoice(state: State) -> dict[str, list[str]]:
    index: dict[str, list[str]] | None = state.memory.get("payments")
    if index is None:
        index = state.memory["payments"] = {}
        for payment in state.table("invoice_payment").values():
            index.setdefault(payment["invoice"], []).append(payment["id"])
    return index


def _charge(state: State, invoice: Object, intent: Object, method_id: str, failure: Failure | None) -> Object:
    paying = state.get(METHOD, method_id)
    charge = values.new(state, "charge", "ch")
    charge |= {"amount": intent["amount"], "amount_captured": 0 if failure else intent["amount"], "amount_refunded": 0}
    charge |= {"billing_details": paying["billing_details"], "captured": failure is None, "currency": invoice["currency"]}
    charge |= {"customer": invoice["customer"], "disputed": False, "metadata": {}, "paid": failure is None, "refunded": False}
    charge |= {"payment_intent": intent["id"], "payment_method": method_id, "status": "failed" if failure else "succeeded"}
    if failure:
        charge |= {"failure_code": failure.code, "failure_message": failure.message}
    state.put("charge", charge)
    state.emit("charge.failed" if failure else "charge.succeeded", charge)
    return charge


def _outcome(intent: Object, charge: Object | None, failure: Failure | None, method_id: str | None) -> Object:
    changes: Object = {"latest_charge": charge["id"] if charge else None, "payment_method": method_id}
    if failure is None:
        return changes | {"status": "succeeded", "amount_received": intent["amount"], "last_payment_error": None}
    error = {"type": CARD_ERROR, "code": failure.code, "decline_code": failure.decline, "message": failure.message}
    waits = "requires_action" if failure.code == AUTHENTICATE[0] else "requires_payment_method"
    return changes | {"status": waits, "last_payment_error": None if failure.code == MISSING else error}


def _paid(state: State) -> Object:
    return {"canceled_at": None, "paid_at": state.now()}


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (2 if index % 2 else 1) for index, d in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
