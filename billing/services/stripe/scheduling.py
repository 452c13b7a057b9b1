"""What changes at the next renewal, as a schedule at Stripe: another plan, other seats, or both. There is one at a time."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from billing.gateway import gateway
from billing.gateway.errors import Busy, Denied, Refused, StripeError
from billing.models import PlanVersion, StripeCommand, Subscription
from billing.selectors.plans import seats_next
from billing.services.audit import Actor
from billing.services.stripe.asking import items_now, items_then
from billing.services.stripe.commands import ask
from saas.core.errors import AppError

SET: Final = "schedule.set"


@dataclass(frozen=True, slots=True)
class Planned:
    """What a subscription is from the next renewal on: as it is now, where nothing was said."""

    plan: PlanVersion
    interval: str
    seats: int


def planned(live: Subscription) -> Planned:
    """What was asked for last, if that schedule leads the subscription."""
    asked = StripeCommand.for_tenant(live.account_id).filter(operation=SET, result_id=live.schedule_id)
    command = asked.order_by("-asked_at").first() if live.schedule_id else None
    interval = str(command.params["interval"]) if command else live.interval
    return Planned(live.next_plan or live.plan, interval, seats_next(live))


def is_planned(live: Subscription) -> bool:
    """Whether the next renewal brings anything else than there is."""
    return planned(live) != Planned(live.plan, live.interval, live.seats)


@contextmanager
def set_aside(live: Subscription, *, actor: Actor) -> Iterator[Planned]:
    """Let go what was to come, while something else is asked for. If that certainly is not done, it comes after all.

    Where nobody knows, because Stripe did not answer, it stays let go: a schedule would bring back the items of before.
    """
    before = planned(live)
    release(live, actor=actor)
    try:
        yield before
    except (Refused, Busy, Denied, AppError):
        with suppress(StripeError):
            schedule(live, before, actor=actor)
        raise


def schedule(live: Subscription, then: Planned, *, actor: Actor) -> None:
    """From the end of the paid period on. Nothing, if that is what there is.

    No other schedule may lead the subscription: `release` first.
    """
    if then == Planned(live.plan, live.interval, live.seats):
        return
    items, following = items_now(live), items_then(then.plan, then.interval, then.seats)
    stripe_id, at = str(live.stripe_id), live.seat_period_end
    asked = {"plan": f"{then.plan.key} {then.plan.version}", "interval": then.interval, "seats": then.seats, "at": at.isoformat()}
    ask(
        live.account_id,
        SET,
        actor=actor,
        params={"subscription": stripe_id, **asked},
        call=lambda key: gateway().schedule_change(stripe_id, now=items, then=following, at=at, key=key),
    )
    Subscription.objects.filter(pk=live.pk).update(next_plan=then.plan if then.plan != live.plan else None)


def release(live: Subscription, *, actor: Actor) -> None:
    """What was to come does not. Nothing, if nothing was."""
    schedule_id = live.schedule_id
    if not schedule_id:
        return
    ask(
        live.account_id,
        "schedule.release",
        actor=actor,
        params={"schedule": schedule_id},
        call=lambda key: gateway().release_schedule(schedule_id, key=key),
    )
    Subscription.objects.filter(pk=live.pk).update(schedule_id="", next_plan=None)
