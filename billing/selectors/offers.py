"""The plans as they are offered: what each costs and holds, in words, and what changing to it means."""

from dataclasses import dataclass
from typing import Final

from billing.models import Meter
from billing.money import price, text
from billing.plans import BY_KEY, DAYS_OF_STORAGE, EVERYBODYS, PLANS, Plan
from billing.selectors.gauges import ONE, UNITS, size

MONTHS: Final = 12
YEAR: Final = "year"
INTERVALS: Final = {"month": "By the month", YEAR: "By the year"}


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan, priced by the month or by the year."""

    plan: Plan
    interval: str
    is_mine: bool
    is_next: bool  # from the end of the period on

    @property
    def price(self) -> str:
        """Of one seat in one month, also where it is paid by the year."""
        if self.plan.is_free:
            return text(0, self.plan.currency)
        each = self.plan.seat_year / MONTHS if self.interval == YEAR else self.plan.seat
        return text(round(each), self.plan.currency)

    @property
    def paid(self) -> str:
        """How it is paid."""
        if self.plan.is_free:
            return "for ever"
        if self.interval == YEAR:
            return f"per seat and month, paid as {text(self.plan.seat_year, self.plan.currency)} a year"
        return "per seat and month"

    @property
    def parts(self) -> list[str]:
        """What it holds, one sentence each."""
        features = sorted(self.plan.features - EVERYBODYS)
        return [_seats(self.plan), _sites(self.plan), *_meters(self.plan), retention(self.plan), *features]


def offers(mine: str, interval: str, *, following: str = "") -> list[Offer]:
    """All that is sold, the cheapest first."""
    return [Offer(plan, interval, plan.key == mine and not following, plan.key == following) for plan in PLANS]


def paid_plan(key: str) -> Plan | None:
    """A plan that is sold for money."""
    plan = BY_KEY.get(key)
    return plan if plan and not plan.is_free else None


def saved(plan: Plan) -> int:
    """How many months of twelve a year costs nothing."""
    return (plan.seat * MONTHS - plan.seat_year) // plan.seat if plan.seat else 0


def _seats(plan: Plan) -> str:
    if plan.seats is not None:
        return f"{plan.seats} seats"
    return "As many seats as you need" if plan.least_seats == 1 else f"As many seats as you need, at least {plan.least_seats}"


def _sites(plan: Plan) -> str:
    if plan.sites is None:
        return "As many sites as you like"
    return "1 site" if plan.sites == 1 else f"{plan.sites} sites"


def _meters(plan: Plan) -> list[str]:
    return [_meter(plan, meter) for meter in Meter if meter in plan.meters]


def _meter(plan: Plan, meter: Meter) -> str:
    one = plan.meters[meter]
    held = f"{one.included:,} {UNITS[meter]} a month"
    if meter == Meter.STORAGE:
        held = f"{size(one.included // DAYS_OF_STORAGE)} of storage all month"
    if meter == Meter.VISITOR:
        held = f"{one.included:,} active visitors a month"
    return held if one.hard else f"{held}, then {price(one.over, plan.currency)} per {ONE[meter]}"


def retention(plan: Plan) -> str:
    """For how long messages are kept."""
    if plan.retention_days is None:
        return "Messages kept for as long as you stay"
    years, days = divmod(plan.retention_days, 365)
    return f"Messages kept for {years} years" if years and not days else f"Messages kept for {plan.retention_days} days"
