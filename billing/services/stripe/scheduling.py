"""What changes at the next renewal, as a schedule at Stripe: another plan, other seats, or both. There is one at a time."""

from billing.gateway import gateway
from billing.models import PlanVersion, Subscription
from billing.services.audit import Actor
from billing.services.stripe.asking import items_now, items_then
from billing.services.stripe.commands import ask


def schedule(live: Subscription, *, plan: PlanVersion | None, seats: int, actor: Actor, interval: str | None = None) -> None:
    """From the end of the paid period on that plan (None: the same) with so many seats. Nothing, if that is what there is.

    No other schedule may lead the subscription: `release` first.
    """
    version, then_paid = plan or live.plan, interval or live.interval
    if version.pk == live.plan_id and seats == live.seats and then_paid == live.interval:
        return
    now_, then = items_now(live), items_then(version, then_paid, seats)
    stripe_id, at = str(live.stripe_id), live.seat_period_end
    asked = {"plan": f"{version.key} {version.version}", "interval": then_paid, "seats": seats, "at": at.isoformat()}
    ask(
        live.account_id,
        "schedule.set",
        actor=actor,
        params={"subscription": stripe_id, **asked},
        call=lambda key: gateway().schedule_change(stripe_id, now=now_, then=then, at=at, key=key),
    )
    Subscription.objects.filter(pk=live.pk).update(next_plan=version if version.pk != live.plan_id else None)


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
