"""What happens to a subscription when its time comes: the next period, the end of a trial, the end of it all."""

import copy
from typing import Any

from billing.sandbox import discounts, invoices, item_changes, items, payments, prorations
from billing.sandbox.agenda import changing, keep
from billing.sandbox.invoices import Draft
from billing.sandbox.state import Object, State

EVENT = "customer.subscription.updated"


def run(state: State, sub: Object) -> None:
    """Do what is due of a subscription at this second."""
    now = state.now()
    collection = sub.get("pause_collection") or {}
    if sub["status"] == "incomplete":
        expire(state, sub)
    elif collection.get("resumes_at") is not None and collection["resumes_at"] <= now:
        with changing(state, sub, EVENT):
            sub["pause_collection"] = None
    elif sub["status"] == "trialing" and sub["trial_end"] <= now:
        _end_trial(state, sub)
    elif sub.get("cancel_at") is not None and sub["cancel_at"] <= now:
        end(state, sub)
    else:
        renew(state, sub)


def renew(state: State, sub: Object, after: list[Object] | None = None) -> Object:
    """Begin the next period of each item whose period ends now, and return the invoice; `after` are the items if they change."""
    new = upcoming(state, sub, state.now(), after=after)
    with changing(state, sub, EVENT):
        items.put(state, sub, new.items)
        invoice = invoices.issue(state, new.draft, sub)
        sub["discounts"] = discounts.remaining(state, sub["discounts"], state.now())
    if sub["status"] == "unpaid":
        invoice |= {"auto_advance": False, "automatically_finalizes_at": None}
        keep(state, invoice)
    return invoice


class Upcoming:
    """A renewal that is worked out: the invoice, and the items as they are afterwards."""

    def __init__(self, draft: Draft, after: list[Object]) -> None:
        self.draft, self.items = draft, after


def upcoming(
    state: State,
    sub: Object,
    at: int,
    *,
    after: list[Object] | None = None,
    more: list[Object] | None = None,
    found: list[Object] | None = None,
    is_last: bool = False,
) -> Upcoming:
    """The invoice of a renewal at a moment, stored nowhere: `more` are invoice items beside those that wait, `found` the
    discounts instead of the subscription's. The last one has no next period.
    """
    ending = [item for item in items.of(sub) if item["current_period_end"] <= at]
    data = item_changes.arrears(state, sub, ending, at) if sub["status"] != "trialing" else []
    starting = [] if is_last else begun(sub, after if after is not None else items.of(sub), at)
    data += item_changes.advance(state, sub, [item for item in starting if item["current_period_start"] == at])
    waiting = prorations.waiting(state, sub["customer"], sub["id"]) + (more or [])
    holding = discounts.of_ids(state, sub["discounts"], at) if found is None else found
    start = min((item["current_period_start"] for item in ending), default=at)
    return Upcoming(_draft(state, sub, data, waiting, holding, (start, at)), starting)


def begun(sub: Object, current: list[Object], at: int) -> list[Object]:
    """Copies of items, those whose period ends with their next one."""
    result = copy.deepcopy(current)
    for item in result:
        if item["current_period_end"] <= at:
            item["current_period_start"], item["current_period_end"] = items.next_period(item, sub["billing_cycle_anchor"], at)
    return result


def expire(state: State, sub: Object) -> None:
    """Nobody made the first payment in time."""
    first = state.get(invoices.KIND, sub["latest_invoice"])
    if first["status"] == "open":
        invoices.void(state, first)
    with changing(state, sub, EVENT):
        sub |= {"status": "incomplete_expired", "ended_at": state.now()}
    _release(state, sub)


def end(state: State, sub: Object, *, reason: str | None = None, bill: bool = True) -> Object | None:
    """Cancel a subscription now; with `bill`, what was used and what waits is invoiced. The last invoice, if there is one."""
    invoice = _last_invoice(state, sub) if bill else None
    now = state.now()
    sub |= {"status": "canceled", "ended_at": now, "canceled_at": sub.get("canceled_at") or now, "pause_collection": None}
    if reason:
        sub["cancellation_details"] = {**(sub.get("cancellation_details") or {}), "reason": reason}
    keep(state, sub)
    _stop_collecting(state, sub, invoice)
    state.emit("customer.subscription.deleted", sub)
    _release(state, sub)
    return invoice


def _last_invoice(state: State, sub: Object) -> Object | None:
    """What was used since the last invoice, and what waits; None where that is nothing."""
    if sub["status"] == "trialing":
        return None
    now = state.now()
    data = item_changes.arrears(state, sub, items.of(sub), now)
    waiting = prorations.waiting(state, sub["customer"], sub["id"])
    if not any(line["amount"] for line in data) and not waiting:
        return None
    start = min(item["current_period_start"] for item in items.of(sub))
    found = discounts.of_ids(state, sub["discounts"], now)
    return invoices.issue(state, _draft(state, sub, data, waiting, found, (start, now)), sub)


def _draft(
    state: State, sub: Object, data: list[Object], waiting: list[Object], found: list[Object], period: tuple[int, int]
) -> Draft:
    customer = state.get("customer", sub["customer"])
    more: dict[str, Any] = {"period_start": period[0], "period_end": period[1], "created": period[1]}
    return invoices.draft(state, customer, sub, data=data, items=waiting, reason="subscription_cycle", found=found, **more)


def _stop_collecting(state: State, sub: Object, last: Object | None) -> None:
    """Invoices that are open when a subscription ends are not tried again by themselves."""
    for invoice in invoices.of_subscription(state, sub["id"]):
        if invoice is not last and invoice["status"] in ("open", "draft"):
            with changing(state, invoice, "invoice.updated"):
                invoice |= {"auto_advance": False, "next_payment_attempt": None}


def _release(state: State, sub: Object) -> None:
    """A schedule that leads a subscription ends with it."""
    schedule = state.table("subscription_schedule").get(sub.get("schedule") or "")
    if schedule and schedule["status"] in ("active", "not_started"):
        with changing(state, schedule, "subscription_schedule.updated"):
            schedule |= {"status": "canceled", "canceled_at": state.now(), "current_phase": None}
        state.emit("subscription_schedule.canceled", schedule)


def _end_trial(state: State, sub: Object) -> None:
    """The first paid period begins; without a card, what the subscription's settings say happens instead."""
    if sub.get("cancel_at") is not None and sub["cancel_at"] <= state.now():
        end(state, sub)
        return
    missing = payments.default_of(state, state.get("customer", sub["customer"]), sub) is None
    behaviour = sub["trial_settings"]["end_behavior"]["missing_payment_method"]
    if missing and behaviour == "cancel":
        end(state, sub)
    elif missing and behaviour == "pause":
        pause(state, sub, "trial_end_without_payment_method")
    else:
        begin_paying(state, sub)


def begin_paying(state: State, sub: Object) -> Object:
    """End a trial now: all periods begin anew, and the first paid invoice is made."""
    now = state.now()
    with changing(state, sub, EVENT):
        sub |= {"billing_cycle_anchor": now, "trial_end": now}
        for item in items.of(sub):
            item["current_period_end"] = now
        new = upcoming(state, sub, now)
        sub["status"] = "active"
        items.put(state, sub, new.items)
        invoice = invoices.issue(state, new.draft, sub)
        sub["discounts"] = discounts.remaining(state, sub["discounts"], now)
    return invoice


def pause(state: State, sub: Object, why: str) -> None:
    """Stop the subscription until it is resumed."""
    paused = {"type": "subscription", "subscription": {"type": why}, "transitioned_at": state.now()}
    with changing(state, sub, EVENT):
        sub |= {"status": "paused", "status_details": {"paused": paused}}
    state.emit("customer.subscription.paused", sub)
