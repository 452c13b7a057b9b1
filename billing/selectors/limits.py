"""What a tenant has used of what stops: the hard limits of its plan, and the cap that it has set itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Case, Value, When

from billing.models import BillingAccount, Meter, Subscription
from billing.money import overage, rounded
from billing.periods import Period, period_of
from billing.plans import FREE, Allowance, Plan
from billing.selectors.plans import FREE_SEATS, live_subscription, seats_used
from billing.selectors.usage import used
from billing.terms import terms

RESTING: Final = "paused"  # by the tenant, or by Stripe at the end of a trial without a card
BUFFER: Final = 5  # percent beyond a hard allowance: nobody is cut off in the middle of a sentence


@dataclass(frozen=True, slots=True)
class Limits:
    """`used` is of this period, empty where nothing would stop; `spend` is what lies beyond the allowances, in minor units.

    While `is_resting` nothing is billed: `plan` has the allowances of Free then, which stop.
    """

    plan: Plan
    period: Period
    used: Mapping[Meter, int]
    hard: Mapping[Meter, int]  # of which meter so much stops
    over: frozenset[Meter]
    spend: int
    spend_cap: int | None
    is_spent: bool
    is_resting: bool = False
    seats: int = 0  # that there are
    seats_held: int = 0

    @property
    def lacks_seats(self) -> bool:
        """Whether more people hold one than there are."""
        return self.seats_held > self.seats


def limits_of(account: BillingAccount) -> Limits:
    """As they are now. Three to five statements."""
    live = live_subscription(account.pk)
    plan, period = terms(live.plan) if live else FREE, period_of(account.pk)
    plan = _in_force(plan, live)
    counts = account.spend_cap is not None or bool(_hard(plan, live))
    counted = used(account.pk, period) if counts else {}
    return limits_from(account, live, plan, period, counted, seats_held=seats_used(account.pk))


def limits_from(
    account: BillingAccount,
    live: Subscription | None,
    plan: Plan,
    period: Period,
    counted: Mapping[Meter, int],
    *,
    seats_held: int = 0,
) -> Limits:
    """The same from what was read before. Without `counted` nothing stops, without `seats_held` there are seats enough."""
    plan, is_resting = _in_force(plan, live), _is_resting(live)
    hard, spend = _hard(plan, live), 0 if _is_trial(live) else spend_of(plan, counted)
    has_cap = account.spend_cap is not None and not is_resting
    return Limits(
        plan=plan,
        period=period,
        used=counted,
        hard=hard,
        over=frozenset(meter for meter, most in hard.items() if counted.get(meter, 0) >= most),
        spend=spend,
        spend_cap=account.spend_cap,
        is_spent=has_cap and spend >= (account.spend_cap or 0) and _is_beyond(plan, counted),
        is_resting=is_resting,
        seats=live.seats if live else FREE_SEATS,
        seats_held=seats_held,
    )


def stops_at(allowance: Allowance) -> int:
    """How much of a hard allowance stops: the buffer is beyond it."""
    return allowance.included + max(1, allowance.included * BUFFER // 100)


def spend_of(plan: Plan, counted: Mapping[Meter, int]) -> int:
    """What lies beyond the allowances, in minor units."""
    return rounded(sum((overage(allowance, counted.get(meter, 0)) for meter, allowance in plan.meters.items()), Decimal(0)))


def newest_of(account_id: UUID) -> Subscription | None:
    """The subscription that lives, or else the last that did. One that was never paid for is none."""
    real = Subscription.for_tenant(account_id).exclude(status__in=("incomplete", "incomplete_expired"))
    return real.order_by(Case(When(status="canceled", then=Value(1)), default=Value(0)), "-created_at").first()


def _in_force(plan: Plan, live: Subscription | None) -> Plan:
    """The plan as it holds now. While it rests no invoice is made, so it gives no more than the plan that costs nothing."""
    return replace(plan, meters=FREE.meters) if _is_resting(live) else plan


def _is_resting(live: Subscription | None) -> bool:
    return live is not None and live.status == RESTING


def _hard(plan: Plan, live: Subscription | None) -> dict[Meter, int]:
    return {meter: stops_at(allowance) for meter, allowance in plan.meters.items() if allowance.hard or _is_trial(live)}


def _is_trial(live: Subscription | None) -> bool:
    """Nothing beyond the allowances is billed in a trial, so they stop."""
    return live is not None and live.status == "trialing"


def _is_beyond(plan: Plan, counted: Mapping[Meter, int]) -> bool:
    return any(counted.get(meter, 0) > allowance.included for meter, allowance in plan.meters.items())
