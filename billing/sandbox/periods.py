"""Periods of a subscription: steps of days, weeks, months and years from an anchor, in UTC, half open [start, end).

Every bound is counted from the anchor and not from the bound before it: from 31 January a month goes to 28 February, and the next
one to 31 March.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

DAY: Final = 86_400
SECONDS: Final = {"day": DAY, "week": 7 * DAY}
MONTHS: Final = {"month": 1, "year": 12}


@dataclass(frozen=True, slots=True)
class Interval:
    """How often a price recurs, as 3 months."""

    unit: str
    count: int = 1

    @classmethod
    def of(cls, price: dict[str, Any]) -> "Interval":
        """The interval of a recurring Stripe price."""
        recurring = price["recurring"]
        return cls(recurring["interval"], recurring.get("interval_count") or 1)


def bound(anchor: int, interval: Interval, steps: int) -> int:
    """The second `steps` intervals after the anchor; before it, if negative."""
    if interval.unit in SECONDS:
        return anchor + steps * interval.count * SECONDS[interval.unit]
    return _months_after(anchor, steps * interval.count * MONTHS[interval.unit])


def period_at(anchor: int, interval: Interval, moment: int) -> tuple[int, int]:
    """The period that a moment lies in."""
    steps = _guess(anchor, interval, moment)
    while bound(anchor, interval, steps) > moment:
        steps -= 1
    while bound(anchor, interval, steps + 1) <= moment:
        steps += 1
    return bound(anchor, interval, steps), bound(anchor, interval, steps + 1)


def day(second: int) -> str:
    """A date as Stripe writes it in a line's text, as `28 Nov 2026`."""
    moment = datetime.fromtimestamp(second, UTC)
    return f"{moment.day} {calendar.month_abbr[moment.month]} {moment.year}"


def _guess(anchor: int, interval: Interval, moment: int) -> int:
    if interval.unit in SECONDS:
        return (moment - anchor) // (interval.count * SECONDS[interval.unit])
    then, now = datetime.fromtimestamp(anchor, UTC), datetime.fromtimestamp(moment, UTC)
    months = (now.year - then.year) * 12 + now.month - then.month
    return months // (interval.count * MONTHS[interval.unit])


def _months_after(anchor: int, months: int) -> int:
    """The same day and time so many months later, or the last day of a month that is too short."""
    start = datetime.fromtimestamp(anchor, UTC)
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    last = calendar.monthrange(year, month)[1]
    return int(start.replace(year=year, month=month, day=min(start.day, last)).timestamp())
