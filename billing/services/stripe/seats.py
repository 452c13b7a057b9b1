"""More seats now, at the price that was shown; fewer from the next renewal on."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from billing.clock import now
from billing.gateway import gateway, shapes
from billing.models import SeatEntry, Subscription
from billing.money import rounded
from billing.plans import Plan
from billing.selectors.plans import SEATED
from billing.services.audit import Actor
from billing.services.stripe import mirror, scheduling
from billing.services.stripe.asking import running_of, seat_item
from billing.services.stripe.commands import ask
from billing.terms import terms
from saas.core.errors import BadFrame, Conflict
from tenants.models import Membership

SHOWN_FOR: Final = timedelta(hours=1)  # that a price counts which was shown
APART: Final = timedelta(minutes=1)  # that the clocks of two processes may be
NAMED: Final = 8  # holders of seats that a refusal names


@dataclass(frozen=True, slots=True)
class SeatPreview:
    """What so many seats cost: `amount_now` is charged at once, `renewal_amount` at `renews_at`. Minor units."""

    seats: int
    amount_now: int
    currency: str
    proration_date: int  # Unix second from which the new seats are counted: with it, what is charged is what was shown
    renewal_amount: int
    renews_at: datetime


def preview_seats(account_id: UUID, seats: int) -> SeatPreview:
    """What that many seats would cost now. Raises BadFrame for fewer or too many, Conflict, and what the gateway raises."""
    live = running_of(account_id)
    _check_more(live, seats)
    return _preview(live, seats, int(now().timestamp()))


def buy_seats(account_id: UUID, preview: SeatPreview, *, actor: Actor) -> None:
    """Buy what was shown. What was to come at the next renewal is a plan's change only: the seats stay.

    Raises Conflict if it costs something else by now, Declined if the bank does not pay: then nothing changed.
    """
    live = running_of(account_id)
    _check_more(live, preview.seats)
    _check_price(live, preview)
    with scheduling.set_aside(live, actor=actor) as before:
        _ask_for(live, preview.seats, preview.proration_date, actor)
    keep_seats(live, preview.seats, preview.seats, "bought", actor=actor)
    fresh = mirror.fetch_subscription(str(live.stripe_id))
    if (before.plan, before.interval) != (live.plan, live.interval):
        scheduling.schedule(fresh, replace(before, seats=preview.seats), actor=actor)
        mirror.fetch_subscription(str(live.stripe_id))


def lower_seats_at_renewal(account_id: UUID, seats: int, *, actor: Actor) -> None:
    """So many from the next renewal on; as many as there are now takes a reduction back. Until then nothing changes.

    Raises BadFrame for more than there are, and for fewer than are held, with who holds them; Conflict; what the gateway raises.
    """
    live = running_of(account_id)
    if seats > live.seats:
        raise BadFrame(f"There are {live.seats} seats: buy more instead.", field="seats")
    _check_fewer(live, seats)
    if live.status == "trialing":
        _lower_in_trial(live, seats, actor)
        return
    with scheduling.set_aside(live, actor=actor) as before:
        scheduling.schedule(live, replace(before, seats=seats), actor=actor)
    keep_seats(live, live.seats, seats, "fewer at the renewal" if seats < live.seats else "kept after all", actor=actor)
    mirror.fetch_subscription(str(live.stripe_id))


def check_shown(proration_date: int) -> None:
    """A price counts for an hour after it was shown, and never from a second that is still to come: later ones cost less.

    Raises Conflict.
    """
    age = int(now().timestamp()) - proration_date
    if age > SHOWN_FOR.total_seconds():
        raise Conflict("This price was shown more than an hour ago. Look at it anew.")
    if age < -APART.total_seconds():
        raise Conflict("This price is reckoned from a moment that is still to come. Look at it anew: it is reckoned from now.")


def renewal_amount(plan: Plan, live: Subscription, interval: str, seats: int) -> int:
    """What the seats cost at a renewal, less the discount."""
    full = Decimal(seats * (plan.seat_year if interval == "year" else plan.seat))
    return max(0, rounded(full * (100 - live.percent_off) / 100 - live.amount_off))


def keep_seats(live: Subscription, seats: int, following: int, reason: str, *, actor: Actor) -> None:
    """A line of the ledger, where it says something else than the last one."""
    last = SeatEntry.for_tenant(live.account_id).order_by("-at", "-id").first()
    if last is None or (last.seats, last.seats_next) != (seats, following):
        entry = {"seats": seats, "seats_next": following, "reason": reason, "actor": actor.email}
        SeatEntry.objects.create(account_id=live.account_id, at=now(), **entry)


def _preview(live: Subscription, seats: int, proration_date: int) -> SeatPreview:
    plan = terms(live.plan)
    return SeatPreview(
        seats=seats,
        amount_now=_cost(live, seats, proration_date),
        currency=plan.currency,
        proration_date=proration_date,
        renewal_amount=renewal_amount(plan, live, live.interval, seats),
        renews_at=live.seat_period_end,
    )


def _cost(live: Subscription, seats: int, proration_date: int) -> int:
    """Nothing in a trial."""
    if live.status == "trialing":
        return 0
    wanted = (shapes.Wanted(id=seat_item(live), quantity=seats),)
    customer = str(live.account.stripe_customer_id)
    found = gateway().preview(customer=customer, subscription=live.stripe_id, items=wanted, proration_date=proration_date)
    return found.amount_due


def _check_price(live: Subscription, shown: SeatPreview) -> None:
    check_shown(shown.proration_date)
    cost = _cost(live, shown.seats, shown.proration_date)
    if cost != shown.amount_now:
        raise Conflict("It costs something else by now. Look at the new price.")


def _check_more(live: Subscription, seats: int) -> None:
    if seats <= live.seats:
        raise BadFrame(f"There are {live.seats} seats already.", field="seats")
    most = terms(live.plan).seats
    if most is not None and seats > most:
        raise BadFrame(f"{seats} is too many: the plan has {most} at most.", field="seats")


def _check_fewer(live: Subscription, seats: int) -> None:
    plan = terms(live.plan)
    if seats < plan.least_seats:
        raise BadFrame(f"{seats} is too few: {plan.name} has {plan.least_seats} at least.", field="seats")
    held = Membership.objects.filter(tenant_id=live.account_id, disabled_at=None, role__in=SEATED)
    holders = list(held.order_by("user__name").values_list("user__name", "user__email"))
    if seats < len(holders):
        names = ", ".join(name or email for name, email in holders[:NAMED]) + (" and others" if len(holders) > NAMED else "")
        words = "Take somebody out, or make them a viewer, first."
        raise BadFrame(f"{len(holders)} seats are held, by {names}, so {seats} is too few. {words}", field="seats")


def _ask_for(live: Subscription, seats: int, proration_date: int, actor: Actor) -> None:
    item, stripe_id = seat_item(live), str(live.stripe_id)
    asked = {"item": item, "seats": seats, "proration_date": proration_date}
    ask(
        live.account_id,
        "seats.buy",
        actor=actor,
        params={"subscription": stripe_id, **asked},
        call=lambda key: gateway().update_seats(stripe_id, item=item, seats=seats, proration_date=proration_date, key=key),
    )


def _lower_in_trial(live: Subscription, seats: int, actor: Actor) -> None:
    """Nothing is paid yet, so nothing has to wait for its end."""
    if seats == live.seats:
        return
    item, stripe_id = seat_item(live), str(live.stripe_id)
    wanted = (shapes.Wanted(id=item, quantity=seats),)
    ask(
        live.account_id,
        "seats.lower_in_trial",
        actor=actor,
        params={"subscription": stripe_id, "item": item, "seats": seats},
        call=lambda key: gateway().change_trial(stripe_id, items=wanted, key=key),
    )
    keep_seats(live, seats, seats, "fewer in the trial", actor=actor)
    mirror.fetch_subscription(stripe_id)
