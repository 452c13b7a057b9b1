"""Of which shares of its allowances a tenant is told: 80 %, 100 %, and each further 50 %. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from billing.models import Meter
from billing.selectors.limits import Limits, spend_of

FIRST: Final = 80  # percent
THEN: Final = 100
EACH: Final = 50  # beyond it
SPEND: Final = "spend"  # what a UsageAlert has for a meter where it is about the spend cap


@dataclass(frozen=True, slots=True)
class Crossed:
    """A threshold that was reached: percent of a meter's allowance, or of the spend cap."""

    meter: str
    threshold: int
    used: int


def threshold(counted: int, most: int) -> int | None:
    """The highest threshold that was reached, in percent: 80, 100, 150, 200 and so on. None below 80, or of nothing."""
    if most <= 0:
        return None
    percent = counted * 100 // most
    if percent < THEN:
        return FIRST if percent >= FIRST else None
    return THEN + (percent - THEN) // EACH * EACH


def crossed(limits: Limits, counted: Mapping[Meter, int]) -> Iterator[Crossed]:
    """The highest of each meter, and of the spend cap."""
    for meter, allowance in limits.plan.meters.items():
        if (reached := threshold(counted.get(meter, 0), allowance.included)) is not None:
            yield Crossed(meter, reached, counted.get(meter, 0))
    if limits.spend_cap is not None:
        spent = spend_of(limits.plan, counted)
        if (reached := threshold(spent, limits.spend_cap)) is not None:
            yield Crossed(SPEND, reached, spent)
