"""What the clock does: renewals, ends of trials and subscriptions, finalisations, retries, phases, in the order of time."""

from typing import Final

from billing.sandbox import checkout, collection, invoices, renewal, schedules
from billing.sandbox.agenda import NOTICE, soonest
from billing.sandbox.routes import Act, due
from billing.sandbox.state import Object, State


@due
def next_act(state: State) -> tuple[int, Act] | None:
    """The next thing that happens by itself, and how to let it happen."""
    found = soonest(state)
    if found is None:
        return None
    when, kind, id = found
    return when, lambda state: ACTS[kind](state, state.table(kind)[id])


def _subscription(state: State, sub: Object) -> None:
    if not schedules.begin_phase(state, sub):
        renewal.run(state, sub)


def _invoice(state: State, invoice: Object) -> None:
    if invoice["status"] == "open":
        collection.attempt(state, invoice)
        return
    sub = state.table("subscription").get(invoices.subscription_of(invoice) or "") or {}
    paused = (sub.get("pause_collection") or {}).get("behavior")
    if paused == "keep_as_draft":
        invoices.leave_as_draft(state, invoice)
        return
    invoices.finalise(state, invoice)
    if invoice["status"] == "open" and paused:
        GIVEN_UP[paused](state, invoice)
    elif invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        collection.attempt(state, invoice)


def _announce(state: State, notice: Object) -> None:
    """A trial ends in three days."""
    state.drop(NOTICE, notice["id"])
    sub = state.table("subscription").get(notice["id"])
    if sub and sub["status"] == "trialing":
        state.emit("customer.subscription.trial_will_end", sub)


GIVEN_UP: Final = {"void": invoices.void, "mark_uncollectible": invoices.mark_uncollectible}
ACTS: Final = {
    "subscription": _subscription,
    "subscription_schedule": schedules.run,
    "invoice": _invoice,
    "checkout.session": checkout.expire_session,
    NOTICE: _announce,
}
