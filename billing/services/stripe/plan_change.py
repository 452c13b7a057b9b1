"""Another plan: a dearer one now, a cheaper one when what is paid ends. Leaving, coming back, resting; and a coupon."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from billing.clock import now
from billing.gateway import gateway, shapes
from billing.models import PlanVersion, Subscription
from billing.periods import period_from
from billing.plans import Plan
from billing.selectors.plans import seats_next
from billing.services.audit import Actor
from billing.services.plans import version_of
from billing.services.stripe import mirror, scheduling
from billing.services.stripe.asking import items_changed, running_of, subscription_of
from billing.services.stripe.checkout import INTERVALS
from billing.services.stripe.commands import ask
from billing.services.stripe.coupons import off
from billing.services.stripe.seats import check_shown, keep_seats, renewal_amount
from billing.services.stripe.usage import tell_usage
from billing.terms import terms
from saas.core.errors import BadFrame, Conflict

SLACK: Final = 100  # minor units that usage may add between the look at a price and the yes to it
TRIALING: Final = "trialing"
JUST: Final = timedelta(minutes=5)  # that a call and two clocks may take
DAYS_OF_YEAR: Final = timedelta(days=364)  # a moment in the twelfth month


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """What a change costs: `amount_now` at once if `is_now`, `renewal_amount` from `renews_at` on. Minor units.

    `lines` are those of the invoice that is made now: words and amount.
    """

    plan_key: str
    interval: str
    seats: int
    is_now: bool
    amount_now: int
    currency: str
    proration_date: int
    renewal_amount: int
    renews_at: datetime
    lines: tuple[tuple[str, int], ...] = ()


def preview_change(account_id: UUID, *, plan_key: str, interval: str) -> ChangePreview:
    """What the change would cost now. Raises BadFrame, Conflict, NotFound for what is not sold, what the gateway raises."""
    live, version = running_of(account_id), version_of(plan_key)
    return _preview(live, version, interval, int(now().timestamp()))


def change(account_id: UUID, preview: ChangePreview, *, actor: Actor) -> None:
    """Do what was shown. Raises Conflict if it is another by now, Declined if the bank does not pay: then nothing changed."""
    live, version = running_of(account_id), version_of(preview.plan_key)
    check_shown(preview.proration_date)
    found = _preview(live, version, preview.interval, preview.proration_date)
    if (found.is_now, found.seats) != (preview.is_now, preview.seats) or found.amount_now > preview.amount_now + SLACK:
        raise Conflict("The change means something else by now. Look at it anew.")
    act = upgrade_now if found.is_now else downgrade_at_period_end
    act(live, version, found, actor=actor)


def upgrade_now(live: Subscription, version: PlanVersion, shown: ChangePreview, *, actor: Actor) -> None:
    """Now, in a period that begins now; in a trial without a charge. What was to come at the renewal does not."""
    stripe_id, items = str(live.stripe_id), items_changed(live, version, shown.interval, shown.seats)
    asked = {"plan": f"{version.key} {version.version}", "interval": shown.interval, "seats": shown.seats}
    dated = {} if live.status == TRIALING else {"proration_date": shown.proration_date}

    def call(key: str) -> shapes.Subscription:
        if dated:
            return gateway().change_plan_now(stripe_id, items=items, proration_date=shown.proration_date, key=key)
        return gateway().change_trial(stripe_id, items=items, key=key)

    with scheduling.set_aside(live, actor=actor):
        params = {"subscription": stripe_id, **asked, **dated}
        ask(live.account_id, "plan.change_now", actor=actor, params=params, call=call)
    keep_seats(live, shown.seats, shown.seats, "another plan", actor=actor)
    mirror.fetch_invoices(live.account_id, since=now() - JUST)  # first: usage that comes late must find its period invoiced
    mirror.fetch_subscription(stripe_id)


def downgrade_at_period_end(live: Subscription, version: PlanVersion, shown: ChangePreview, *, actor: Actor) -> None:
    """When what is paid ends. Until then nothing changes, and nothing is charged."""
    with scheduling.set_aside(live, actor=actor):
        scheduling.schedule(live, scheduling.Planned(version, shown.interval, shown.seats), actor=actor)
    keep_seats(live, live.seats, shown.seats, "another plan at the renewal", actor=actor)
    mirror.fetch_subscription(str(live.stripe_id))


def cancel(account_id: UUID, *, actor: Actor) -> None:
    """The plan ends when what is paid ends. Raises Conflict if that is so already."""
    live = subscription_of(account_id)
    if live.cancel_at is not None:
        raise Conflict(f"The plan ends on {live.cancel_at:%d %B %Y} already.")
    with scheduling.set_aside(live, actor=actor):
        _do(live, "plan.cancel", actor, lambda id, key: gateway().cancel_at_period_end(id, key=key))
    keep_seats(live, live.seats, live.seats, "cancelled", actor=actor)


def reactivate(account_id: UUID, *, actor: Actor) -> None:
    """Take a cancellation back. Raises Conflict if there is none."""
    live = subscription_of(account_id)
    if live.cancel_at is None:
        raise Conflict("The plan is not cancelled.")
    _do(live, "plan.reactivate", actor, lambda id, key: gateway().uncancel(id, key=key))


def pause(account_id: UUID, *, actor: Actor) -> None:
    """No invoices until it is resumed; all that was used is told first. Raises Conflict while a change waits for the renewal."""
    live = running_of(account_id)
    if scheduling.is_planned(live):
        raise Conflict("A change waits for the next renewal: take that back first.")
    if live.status != TRIALING:
        tell_usage(account_id)
    scheduling.release(live, actor=actor)  # of a change that came already
    _do(live, "plan.pause", actor, lambda id, key: gateway().pause(id, key=key))


def resume(account_id: UUID, *, actor: Actor) -> None:
    """A new period begins now. Raises Conflict if it is not paused, Declined if the bank does not pay: then it stays paused."""
    live = subscription_of(account_id)
    if live.status != "paused":
        raise Conflict("The plan is not paused.")
    _do(live, "plan.resume", actor, lambda id, key: gateway().resume(id, key=key))


def apply_coupon(account_id: UUID, code: str, *, actor: Actor) -> None:
    """Pay less from the next invoice on. Raises BadFrame for a code that is none."""
    live, less = subscription_of(account_id), off(code)
    if not code.strip():
        raise BadFrame("Write the code.", field="coupon")
    parts = {"coupon": less.coupon, "promotion_code": less.promotion_code}
    _do(live, "plan.coupon", actor, lambda id, key: gateway().apply_discount(id, **parts, key=key), **parts)


def _preview(live: Subscription, version: PlanVersion, interval: str, proration_date: int) -> ChangePreview:
    plan = terms(version)
    _check(live, version, plan, interval)
    is_now = _is_now(live, plan, interval)
    seats = max(live.seats if is_now else seats_next(live), plan.least_seats)
    amount, lines = _cost(live, version, interval, seats, proration_date) if is_now else (0, ())
    is_restart = is_now and live.status != TRIALING
    return ChangePreview(
        plan_key=version.key,
        interval=interval,
        seats=seats,
        is_now=is_now,
        amount_now=amount,
        currency=plan.currency,
        proration_date=proration_date,
        renewal_amount=renewal_amount(plan, live, interval, seats),
        renews_at=_one_later(interval) if is_restart else live.seat_period_end,
        lines=lines,
    )


def _cost(
    live: Subscription, version: PlanVersion, interval: str, seats: int, proration_date: int
) -> tuple[int, tuple[tuple[str, int], ...]]:
    """What is charged at once, and the lines of its invoice, which bills all usage so far: so Stripe is told of it first.

    Nothing in a trial. Raises Conflict if not all of it reached Stripe.
    """
    if live.status == TRIALING:
        return 0, ()
    tell_usage(live.account_id)
    found = gateway().preview(
        customer=str(live.account.stripe_customer_id),
        subscription=live.stripe_id,
        items=items_changed(live, version, interval, seats),
        proration_date=proration_date,
        is_new_period=True,
    )
    return found.amount_due, tuple((line.description, line.amount) for line in found.lines)


def _check(live: Subscription, version: PlanVersion, plan: Plan, interval: str) -> None:
    if plan.is_free:
        raise BadFrame(f"{plan.name} is no plan to change to: cancel instead.", field="plan")
    if interval not in INTERVALS:
        raise BadFrame(f"{interval!r} is neither month nor year.", field="interval")
    if (version.pk, interval) == (live.plan_id, live.interval):
        raise Conflict(f"This tenant has {plan.name} by the {interval} already.")


def _is_now(live: Subscription, plan: Plan, interval: str) -> bool:
    """What is worth more comes at once: a dearer seat, or the same by the year. In a trial everything does."""
    mine = terms(live.plan).seat
    if live.status == TRIALING or plan.seat != mine:
        return live.status == TRIALING or plan.seat > mine
    return interval == "year"


def _one_later(interval: str) -> datetime:
    """The end of a period that begins now."""
    begins = now().replace(microsecond=0)
    return period_from(begins, begins + DAYS_OF_YEAR if interval == "year" else begins).end


def _do(live: Subscription, operation: str, actor: Actor, act: Callable[[str, str], object], **params: str) -> None:
    """Ask Stripe for it, and read what came of it."""
    stripe_id = str(live.stripe_id)
    ask(
        live.account_id,
        operation,
        actor=actor,
        params={"subscription": stripe_id, **params},
        call=lambda key: act(stripe_id, key),
    )
    mirror.fetch_subscription(stripe_id)
