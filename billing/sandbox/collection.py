"""Fetching an invoice's money: attempts, retries on days 1, 3, 5 and 7, and what that makes of the subscription."""

from typing import Final

from billing.sandbox import customers, invoices, payments, values
from billing.sandbox.agenda import changing
from billing.sandbox.payments import Failure
from billing.sandbox.periods import DAY
from billing.sandbox.state import Object, State

RETRIES: Final = (1, 3, 5, 7)  # days after the first attempt; after the last one the subscription is unpaid
OWING: Final = frozenset({"past_due", "unpaid"})
SETTLED: Final = frozenset({"active", "trialing", "canceled"})


def attempt(state: State, invoice: Object, method_id: str | None = None, *, at_checkout: bool = False) -> Failure | None:
    """Charge an open invoice to a card, or to the default one, and live with the answer. None if it is paid."""
    sub = _subscription(state, invoice)
    customer = state.get("customer", invoice["customer"])
    failure = payments.attempt(state, invoice, method_id or payments.default_of(state, customer, sub), at_checkout=at_checkout)
    invoice["attempt_count"] += 1
    if failure is None:
        paid(state, invoice)
    else:
        _failed(state, invoice, sub, failure)
    return failure


def paid(state: State, invoice: Object) -> None:
    """All of an invoice came in: the subscription owes nothing for it any more."""
    invoices.mark_paid(state, invoice, invoice["amount_remaining"])
    settle(state, invoice)


def settle(state: State, invoice: Object) -> None:
    """Let a subscription go on whose last debt is gone, be it paid or forgiven."""
    sub = _subscription(state, invoice)
    customer = state.get(customers.KIND, invoice["customer"])
    if sub is None or (sub["status"] in SETTLED and not customer["delinquent"]) or _debts(state, sub):
        return
    values.change(state, customer, {"delinquent": False}, "customer.updated")
    if sub["status"] == "incomplete" or sub["status"] in OWING:
        with changing(state, sub, "customer.subscription.updated"):
            sub["status"] = "active"


def retry(state: State, invoice: Object) -> None:
    """The next planned attempt."""
    attempt(state, invoice)


def _failed(state: State, invoice: Object, sub: Object | None, failure: Failure) -> None:
    with changing(state, invoice, "invoice.updated"):
        invoice |= {"attempted": True, "next_payment_attempt": _next(state, invoice, sub)}
    if failure.code == payments.AUTHENTICATE[0]:
        state.emit("invoice.payment_action_required", invoice)
    state.emit("invoice.payment_failed", invoice)
    values.change(state, state.get(customers.KIND, invoice["customer"]), {"delinquent": True}, "customer.updated")
    if sub is not None and sub["status"] in ("active", "past_due"):
        with changing(state, sub, "customer.subscription.updated"):
            sub["status"] = "past_due" if invoice["next_payment_attempt"] else "unpaid"


def _next(state: State, invoice: Object, sub: Object | None) -> int | None:
    """When it is tried again; never, where the first payment of a subscription is missing."""
    if not invoice["auto_advance"] or sub is None or sub["status"] in ("incomplete", "canceled", "unpaid"):
        return None
    first = invoice["status_transitions"]["finalized_at"]
    return next((first + days * DAY for days in RETRIES if first + days * DAY > state.now()), None)


def _debts(state: State, sub: Object) -> bool:
    """Whether an invoice of a subscription is open that was tried, or waits to be."""
    return any(row["status"] == "open" for row in invoices.of_subscription(state, sub["id"]))


def _subscription(state: State, invoice: Object) -> Object | None:
    return state.table("subscription").get(invoices.subscription_of(invoice) or "")
