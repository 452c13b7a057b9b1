"""What a tenant has used of what stops: the hard limits of its plan, and the cap that it has set itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Case, Value, When

from billing.models import BillingAccount, Meter, Subscription
from billing.money import overage, rounded
from billing.periods import Period, period_of
from billing.plans import FREE, Allowance, Plan
from billing.selectors.plans import live_subscription
from billing.selectors.usage import used
from billing.terms import terms

BUFFER: Final = 5  # percent beyond a hard allowance: nobody is cut off in the middle of a sentence


@dataclass(frozen=True, slots=True)
class Limits:
    """`used` is of this period, empty where nothing would stop; `spend` is what lies beyond the allowances, in minor units."""

    plan: Plan
    period: Period
    used: Mapping[Meter, int]
    hard: Mapping[Meter, int]  # of which meter so much stops
    over: frozenset[Meter]
    spend: int
    spend_cap: int | None
    is_spent: bool


def limits_of(account: BillingAccount) -> Limits:
    """As they are now. Two to four statements."""
    live = live_subscription(account.pk)
    plan, period = terms(live.plan) if live else FREE, period_of(account.pk)
    counts = account.spend_cap is not None or bool(_hard(plan, live))
    return limits_from(account, live, plan, period, used(account.pk, period) if counts else {})


def limits_from(
    account: BillingAccount, live: Subscription | None, plan: Plan, period: Period, counted: Mapping[Meter, int]
) -> Limits:
    """The same from what was read before. Without `counted` nothing stops."""
    hard, spend = _hard(plan, live), 0 if _is_trial(live) else spend_of(plan, counted)
    return Limits(
        plan=plan,
        period=period,
        used=counted,
        hard=hard,
        over=frozenset(meter for meter, most in hard.items() if counted.get(meter, 0) >= most),
        spend=spend,
        spend_cap=account.spend_cap,
        is_spent=account.spend_cap is not None and spend >= account.spend_cap and _is_beyond(plan, counted),
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


def _hard(plan: Plan, live: Subscription | None) -> dict[Meter, int]:
    return {meter: stops_at(allowance) for meter, allowance in plan.meters.items() if allowance.hard or _is_trial(live)}


def _is_trial(live: Subscription | None) -> bool:
    """Nothing beyond the allowances is billed in a trial, so they stop."""
    return live is not None and live.status == "trialing"


def _is_beyond(plan: Plan, counted: Mapping[Meter, int]) -> bool:
    return any(counted.get(meter, 0) > allowance.included for meter, allowance in plan.meters.items())
