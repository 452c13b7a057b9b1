"""Each meter as people read it: what was used, of what is included, and what lies beyond it costs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from billing.models import Meter
from billing.money import overage, price, rounded
from billing.plans import DAYS_OF_STORAGE, METER_NAMES, Allowance, Plan

UNITS: Final[Mapping[Meter, str]] = {Meter.MESSAGE: "messages", Meter.VISITOR: "visitors", Meter.STORAGE: "MB-days"}
ONE: Final[Mapping[Meter, str]] = {Meter.MESSAGE: "message", Meter.VISITOR: "visitor", Meter.STORAGE: "MB-day"}
MEANINGS: Final[Mapping[Meter, str]] = {
    Meter.MESSAGE: "Each message of a visitor, an agent or your code counts once, when it is sent.",
    Meter.VISITOR: "Each visitor counts once in a period, when they first open the chat in it.",
    Meter.STORAGE: "What your rooms and files hold is measured once a day: one MB kept for one day is one MB-day.",
}
NEAR: Final = 80  # percent, from which people are told
ALL: Final = 100


@dataclass(frozen=True, slots=True)
class Gauge:
    """A meter in a period of a plan."""

    meter: Meter
    used: int
    allowance: Allowance
    currency: str

    @property
    def name(self) -> str:
        return METER_NAMES[self.meter].capitalize()

    @property
    def unit(self) -> str:
        return ONE[self.meter] if self.used == 1 else UNITS[self.meter]

    @property
    def units(self) -> str:
        return UNITS[self.meter]

    @property
    def meaning(self) -> str:
        """What counts; of storage also how much may lie there all month, as which it is sold."""
        if self.meter != Meter.STORAGE:
            return MEANINGS[self.meter]
        held = size(self.allowance.included // DAYS_OF_STORAGE)
        return f"{MEANINGS[self.meter]} {self.allowance.included:,} of them are {held} kept all month."

    @property
    def included_words(self) -> str:
        """What is included, with its unit."""
        return f"{self.allowance.included:,} {UNITS[self.meter]}"

    @property
    def percent(self) -> int:
        """Of what is included, rounded down: 100 only when all of it is used."""
        return self.used * ALL // self.allowance.included if self.allowance.included else ALL

    @property
    def beyond(self) -> int:
        return max(0, self.used - self.allowance.included)

    @property
    def cost(self) -> int:
        """Of what lies beyond, in minor units, rounded as an invoice's line is."""
        return rounded(overage(self.allowance, self.used))

    @property
    def unit_price(self) -> str:
        return price(self.allowance.over, self.currency)

    @property
    def price_words(self) -> str:
        """What one more costs beyond the allowance, as "$0.004 each"; empty where it stops there."""
        if self.allowance.hard:
            return ""
        return f"{self.unit_price} per {ONE[self.meter]}"

    @property
    def state(self) -> str:
        """`low`, `near` the end of what is included, or `over` it; `full` where it stops there."""
        if self.percent >= ALL:
            return "full" if self.allowance.hard else "over"
        return "near" if self.percent >= NEAR else "low"


def gauges(plan: Plan, used: Mapping[Meter, int], *, is_trial: bool = False) -> list[Gauge]:
    """Every meter of a plan, always in the same order. In a trial nothing is billed, so each stops at what is included."""
    allowances = {meter: replace(one, hard=one.hard or is_trial) for meter, one in plan.meters.items()}
    return [Gauge(meter, used[meter], allowances[meter], plan.currency) for meter in Meter if meter in allowances]


def size(megabytes: int) -> str:
    """Storage for people: "100 MB", "5 GB"."""
    thousand = Decimal(1_000)
    return f"{megabytes} MB" if megabytes < thousand else f"{(megabytes / thousand).normalize():f} GB"
