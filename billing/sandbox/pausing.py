"""Pausing a subscription and resuming it: no periods and no invoices in between."""

from typing import Any, Final

from billing.sandbox import invoices, item_changes, items, payments, prorations, renewal, subscriptions
from billing.sandbox.agenda import changing
from billing.sandbox.errors import invalid
from billing.sandbox.item_changes import Change
from billing.sandbox.routes import route
from billing.sandbox.state import Object, State

NOW: Final = {"type": "now"}
PAUSABLE: Final = frozenset({"active", "trialing", "past_due"})


@route("POST", "/v1/subscriptions/{id}/pause")
def pause(state: State, params: dict[str, Any], subscription_id: str) -> Object:
    """Unused time is credited and usage so far is charged, unless the request says otherwise.

    Raises `Refusal` while a schedule leads it, in the classic mode, and for one that does not run.
    """
    sub = state.get(subscriptions.KIND, subscription_id)
    _must_pause(sub)
    bill = params.get("bill_for") or {}
    change = Change(items.of(sub), at=state.now())
    change.at_once = params.get("invoicing_behavior") == "invoice"
    if sub["status"] != "trialing":
        change.pending = _credits(state, sub, bill.get("unused_time_from", NOW)["type"])
        change.pending += _usage(state, sub, bill.get("outstanding_usage_through", NOW)["type"])
    for item in change.pending:
        prorations.keep(state, item)
    new = subscriptions.draft_of(state, sub, Change([], at=state.now(), at_once=change.at_once), [])
    invoice = invoices.issue(state, new, sub) if new else None
    renewal.pause(state, sub, "pause_requested")
    if invoice:
        subscriptions.settle_now(state, sub, invoice)
    return sub


@route("POST", "/v1/subscriptions/{id}/resume")
def resume(state: State, params: dict[str, Any], subscription_id: str) -> Object:
    """With a new anchor, periods begin now and are charged whole; with the old one, what is left of the period under way is.

    Raises `Refusal` for one that is not paused, and 402 if it is to resume only when paid and the card is declined.
    """
    sub = state.get(subscriptions.KIND, subscription_id)
    if sub["status"] != "paused":
        raise invalid(f"Only a paused subscription can be resumed; this one is {sub['status']}.")
    change = _resumed(state, sub, params)
    if params.get("payment_behavior") == "resume_on_payment_success":
        payments.must_work(state, payments.default_of(state, state.get("customer", sub["customer"]), sub))
    with changing(state, sub, subscriptions.EVENT):
        sub |= {"status": "active", "status_details": None}
        new = subscriptions.draft_of(state, sub, change, [])
        subscriptions.apply(state, sub, change)
        invoice = invoices.issue(state, new, sub) if new else None
    state.emit("customer.subscription.resumed", sub)
    if invoice:
        subscriptions.settle_now(state, sub, invoice)
    return sub


def _must_pause(sub: Object) -> None:
    if sub["status"] not in PAUSABLE:
        raise invalid(f"Only a subscription that runs can be paused; this one is {sub['status']}.")
    if sub["billing_mode"]["type"] != "flexible":
        raise invalid("Pausing needs the billing mode flexible.")
    if sub.get("schedule"):
        raise invalid(f"The subscription is managed by the subscription schedule {sub['schedule']}, and cannot be paused.")


def _credits(state: State, sub: Object, since: str) -> list[Object]:
    """What is given back of the periods under way: all, what is left, or nothing."""
    if since == "none":
        return []
    licensed = [item for item in items.of(sub) if not items.is_metered(item)]
    return [
        prorations.credit(state, sub, item, item["current_period_start"] if since == "item_current_period_start" else state.now())
        for item in licensed
    ]


def _usage(state: State, sub: Object, through: str) -> list[Object]:
    if through == "none":
        return []
    metered = [item for item in items.of(sub) if items.is_metered(item)]
    charged = [prorations.used(state, sub, item, items.usage_since(state, item), state.now()) for item in metered]
    for item in metered:
        items.bill_usage_from(state, item, state.now())
    return [item for item in charged if item["amount"]]


def _resumed(state: State, sub: Object, params: dict[str, Any]) -> Change:
    """The items with the periods that begin or go on now, and what they cost."""
    now = state.now()
    anchor = (params.get("billing_cycle_anchor") or NOW)["type"]
    at = now if anchor == "now" else params.get("proration_date", now)
    change = Change(renewal.begun(sub, items.of(sub), now), at=at)
    behaviour = params.get("proration_behavior", "create_prorations")
    change.at_once = anchor == "now" or behaviour == "always_invoice"
    if anchor == "now":
        for item in change.items:
            item["current_period_start"], item["current_period_end"] = items.first_period(item["price"], now)
        change.anchor, change.lines = now, item_changes.advance(state, sub, change.items)
    elif behaviour != "none":
        licensed = [item for item in change.items if not items.is_metered(item)]
        change.pending = [prorations.charge(state, sub, item, at) for item in licensed]
    return change
