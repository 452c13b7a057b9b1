"""Subscriptions as the API serves them."""

from typing import Any, Final

from billing.sandbox import (
    collection,
    customers,
    discounts,
    invoices,
    item_changes,
    items,
    payments,
    prorations,
    renewal,
    starting,
    values,
)
from billing.sandbox.agenda import announce_trial, changing
from billing.sandbox.errors import invalid, missing
from billing.sandbox.item_changes import Change
from billing.sandbox.routes import route
from billing.sandbox.state import Object, State

KIND: Final = starting.KIND
EVENT: Final = renewal.EVENT
ENDED: Final = frozenset({"canceled", "incomplete_expired"})
PLAIN: Final = (
    "description",
    "days_until_due",
    "collection_method",
    "default_payment_method",
    "trial_settings",
    "pause_collection",
)
COSTLY: Final = frozenset({"items", "billing_cycle_anchor", "proration_date"})  # parameters that may cost something now


@route("POST", "/v1/subscriptions")
def create(state: State, params: dict[str, Any]) -> Object:
    sub, found = starting.build(state, params)
    _set_end(state, sub, params)
    return starting.begin(state, sub, found, behaviour=params.get("payment_behavior", "allow_incomplete"))


@route("GET", "/v1/subscriptions/{id}")
def retrieve(state: State, params: dict[str, Any], subscription_id: str) -> Object:
    return state.get(KIND, subscription_id)


@route("GET", "/v1/subscriptions")
def list_all(state: State, params: dict[str, Any]) -> Object:
    """All but the ended ones, unless a status is asked for; `price` and `customer` narrow it."""
    return state.list(KIND, params, lambda sub: _is_wanted(sub, params))


@route("POST", "/v1/subscriptions/{id}")
def update(state: State, params: dict[str, Any], subscription_id: str) -> Object:
    """Raises `Refusal` for one that has ended, and 402 if the change must be paid at once and is not."""
    sub = _living(state, subscription_id)
    _must_be_free(sub, params)
    customer = state.get("customer", sub["customer"])
    change = item_changes.work_out(state, sub, params) if COSTLY & params.keys() or params.get("trial_end") == "now" else None
    found = discounts.chosen(state, params.get("discounts"), customer)
    holding = found if "discounts" in params else discounts.of_ids(state, sub["discounts"], state.now())
    draft = draft_of(state, sub, change, holding) if change else None
    if draft and draft.invoice["amount_due"] and params.get("payment_behavior") == "error_if_incomplete":
        payments.must_work(state, payments.default_of(state, customer, sub))
    with changing(state, sub, EVENT):
        _set_plain(state, sub, params, found)
        if change:
            apply(state, sub, change)
        _set_end(state, sub, params)
        _extend_trial(state, sub, params)
        invoice = invoices.issue(state, draft, sub) if draft else None
    if invoice:
        settle_now(state, sub, invoice)
    return sub


@route("DELETE", "/v1/subscriptions/{id}")
def cancel(state: State, params: dict[str, Any], subscription_id: str) -> Object:
    """Now. With `prorate` unused time is credited, with `invoice_now` usage so far and what waits is invoiced."""
    sub = _living(state, subscription_id)
    sub["cancellation_details"] |= {"reason": "cancellation_requested", **(params.get("cancellation_details") or {})}
    if params.get("prorate") and sub["status"] in ("active", "past_due"):
        for item in items.of(sub):
            if not items.is_metered(item):
                prorations.keep(state, prorations.credit(state, sub, item, state.now()))
    invoice = renewal.end(state, sub, bill=bool(params.get("invoice_now")))
    if invoice:
        settle_now(state, sub, invoice)
    return sub


@route("DELETE", "/v1/subscriptions/{id}/discount")
def delete_discount(state: State, params: dict[str, Any], subscription_id: str) -> Object:
    sub = _living(state, subscription_id)
    if not sub["discounts"]:
        raise missing("discount", f"of {subscription_id}")
    discount = state.get(discounts.KIND, sub["discounts"][-1])
    with changing(state, sub, EVENT):
        sub["discounts"] = []
    state.emit("customer.discount.deleted", discount)
    return discount | {"deleted": True}


@customers.LEAVING.append
def cancel_all(state: State, customer: Object) -> None:
    """A customer that is deleted has no subscriptions any more."""
    for sub in [row for row in state.table(KIND).values() if row["customer"] == customer["id"] and row["status"] not in ENDED]:
        renewal.end(state, sub, bill=False)


def draft_of(state: State, sub: Object, change: Change, found: list[Object]) -> invoices.Draft | None:
    """The invoice that a change makes at once; None if it waits for the next renewal."""
    waiting = prorations.waiting(state, sub["customer"], sub["id"]) + change.pending
    if not change.at_once or not (waiting or change.lines):
        return None
    customer = state.get("customer", sub["customer"])
    starts = [item["current_period_start"] for item in items.of(sub)]
    invoice_dates: dict[str, Any] = {"period_start": min(starts), "period_end": state.now()}
    draft = invoices.draft(
        state, customer, sub, data=change.lines, items=waiting, reason="subscription_update", found=found, **invoice_dates
    )
    draft.invoice["parent"]["subscription_details"]["subscription_proration_date"] = change.at
    return draft


def settle_now(state: State, sub: Object, invoice: Object) -> None:
    """Finalise an invoice that waits for nothing, and try to get it paid."""
    invoices.finalise(state, invoice)
    if invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        collection.attempt(state, invoice)


def apply(state: State, sub: Object, change: Change) -> None:
    """Give a subscription what a change worked out: its items, and the invoice items that wait."""
    for item in change.pending:
        prorations.keep(state, item)
    items.put(state, sub, change.items)
    for item in change.swapped:
        items.bill_usage_from(state, item, change.at)
    if change.anchor is not None:
        sub["billing_cycle_anchor"] = change.anchor
        if sub["status"] == "trialing":
            sub |= {"status": "active", "trial_end": change.anchor}


def _set_plain(state: State, sub: Object, params: dict[str, Any], found: list[Object]) -> None:
    if method := params.get("default_payment_method"):
        state.get(payments.METHOD, method, "default_payment_method")
    sub |= values.given(params, PLAIN)
    if "metadata" in params:
        sub["metadata"] = values.metadata(sub["metadata"], params["metadata"])
    if "automatic_tax" in params:
        sub["automatic_tax"] = {"enabled": params["automatic_tax"]["enabled"], "liability": None}
    if "cancellation_details" in params:
        sub["cancellation_details"] = sub["cancellation_details"] | values.given(
            params["cancellation_details"], ("comment", "feedback")
        )
    if "discounts" in params:
        sub["discounts"] = discounts.redeem(state, found, subscription=sub["id"])


def _set_end(state: State, sub: Object, params: dict[str, Any]) -> None:
    """When it ends: at the end of its longest period, at a moment, or not at all."""
    now = state.now()
    if params.get("cancel_at_period_end") is True:
        sub |= {"cancel_at_period_end": True, "cancel_at": _end_of(sub, max), "canceled_at": now}
        sub["cancellation_details"] = sub["cancellation_details"] | {"reason": "cancellation_requested"}
    elif params.get("cancel_at_period_end") is False or params.get("cancel_at") == "":
        sub |= {"cancel_at_period_end": False, "cancel_at": None, "canceled_at": None}
        sub["cancellation_details"] = sub["cancellation_details"] | {"reason": None}
    elif "cancel_at" in params:
        at = {"min_period_end": _end_of(sub, min), "max_period_end": _end_of(sub, max)}.get(
            params["cancel_at"], params["cancel_at"]
        )
        if at <= now:
            raise invalid(f"The cancellation must lie in the future, not at {at}.", "cancel_at")
        sub |= {"cancel_at": at, "cancel_at_period_end": False, "canceled_at": now}


def _end_of(sub: Object, choose: Any) -> int:
    return int(choose(item["current_period_end"] for item in items.of(sub)))


def _extend_trial(state: State, sub: Object, params: dict[str, Any]) -> None:
    """Let a trial end at another moment, or begin one now."""
    end = params.get("trial_end")
    if not isinstance(end, int):
        return
    if end <= state.now():
        raise invalid(f"The trial must end in the future, not at {end}.", "trial_end")
    start = sub["trial_start"] if sub["status"] == "trialing" else state.now()
    sub |= {"status": "trialing", "trial_start": start, "trial_end": end, "billing_cycle_anchor": end}
    for item in items.of(sub):
        item |= {"current_period_start": start, "current_period_end": end}
    announce_trial(state, sub)


def _living(state: State, subscription_id: str) -> Object:
    sub = state.get(KIND, subscription_id)
    if sub["status"] in ENDED:
        raise missing("subscription", subscription_id)
    return sub


def _must_be_free(sub: Object, params: dict[str, Any]) -> None:
    """The end of a subscription that a schedule leads is the schedule's matter. Raises `Refusal`."""
    if sub.get("schedule") and {"cancel_at", "cancel_at_period_end"} & params.keys():
        schedule = sub["schedule"]
        raise invalid(
            f"The subscription is managed by the subscription schedule `{schedule}`, and updating any cancelation behavior "
            "directly is not allowed. Please update the schedule instead."
        )
    if params.get("payment_behavior") == "pending_if_incomplete":
        raise invalid("The stand-in has no pending updates; use error_if_incomplete.", "payment_behavior")
    if sub["status"] == "paused" and COSTLY & params.keys():
        raise invalid("A paused subscription's items cannot be changed. Resume it first.")


def _is_wanted(sub: Object, params: dict[str, Any]) -> bool:
    status = params.get("status")
    if status == "ended":
        fits = sub["status"] in ENDED
    elif status in (None, "all"):
        fits = status == "all" or sub["status"] not in ENDED
    else:
        fits = sub["status"] == status
    has_price = "price" not in params or params["price"] in [item["price"]["id"] for item in items.of(sub)]
    return fits and has_price and params.get("customer", sub["customer"]) == sub["customer"]
