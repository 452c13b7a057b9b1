"""The chart of a meter as SVG made here: what was used since the period began, what is included, and where it leads.

Across, everything is in percent, so that the drawing is as wide as the page and its letters stay as large as the page's.
Down, it is in pixels. No script draws it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from billing.selectors.usage import Day

TOP, PLOT, FOOT = 24, 168, 28  # pixels: above the plot, the plot, and the names of days below it
WIDTH: Final = 1_000  # of the plot's own measure, which is stretched to the page
STEPS: Final = 3  # lines behind the curve, beside the ground
NICE: Final = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Mark:
    """A line or a name at an edge of the plot. `x` in percent, `y` in pixels."""

    words: str
    x: float
    y: float
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws; points are in the plot's own measure."""

    line: str
    area: str
    ahead: str  # the projection, from today to the end
    grid: list[Mark]
    days: list[Mark]
    limit: Mark  # what is included
    now: Mark
    height: int = TOP + PLOT + FOOT
    ground: int = TOP + PLOT
    top: int = TOP
    plot: int = PLOT
    width: int = WIDTH


@dataclass(frozen=True, slots=True)
class Sum:
    """A day, what was used on it, and since the period began."""

    day: date
    quantity: int
    so_far: int


def sums(days: Sequence[Day]) -> list[Sum]:
    """The days with what came together until each of them."""
    found, so_far = [], 0
    for day in days:
        so_far += day.quantity
        found.append(Sum(day.day, day.quantity, so_far))
    return found


def cumulative(days: Sequence[Day], *, last: date, included: int, projected: int | None = None) -> Chart:
    """The curve of a period from its first day to its last. `projected` is what it comes to at its end; None: it is over."""
    added = sums(days)
    length = max(len(added), (last - added[0].day).days + 1)
    used = added[-1].so_far
    top = _reach(max(used, included, projected or 0, 1))

    def x(place: float) -> float:
        return round(place / length * 100, 2)

    def y(amount: float) -> float:
        return round(PLOT - amount / top * PLOT, 1)

    points = [(0.0, y(0)), *((x(place + 1), y(one.so_far)) for place, one in enumerate(added))]
    here = points[-1]
    ahead = [here, (100.0, y(projected))] if projected is not None and here[0] < 100 else []
    return Chart(
        line=_points(points),
        area=_points([*points, (here[0], y(0))]),
        ahead=_points(ahead),
        grid=[Mark(f"{amount:,.0f}", 0, TOP + y(amount)) for amount in _steps(top)],
        days=_names(added, last, here[0]),
        limit=Mark(f"{included:,} included", 100, TOP + y(included), "end"),
        now=Mark(f"{used:,}", here[0], TOP + here[1]),
    )


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{across * WIDTH / 100:g},{down:g}" for across, down in points)


def _names(added: Sequence[Sum], last: date, here: float) -> list[Mark]:
    """The first day, the last, and today where there is room between them."""
    foot = TOP + PLOT + FOOT - 8
    first, today = added[0].day, added[-1].day
    names = [Mark(_name(first), 0, foot), Mark(_name(last), 100, foot, "end")]
    if 20 < here < 68 and today not in {first, last}:
        names.insert(1, Mark(_name(today), here, foot, "middle"))
    return names


def _name(day: date) -> str:
    return f"{day.day} {day:%b}"


def _reach(most: int) -> float:
    step = _step(most)
    return step * -(-most * 1.05 // step)  # air above what is highest


def _steps(top: float) -> list[float]:
    step = _step(int(top))
    return [step * number for number in range(1, int(top / step) + 1)]


def _step(most: int) -> float:
    rough = max(1.0, most / STEPS)
    power = 10.0 ** (len(str(int(rough))) - 1)
    return next(nice * power for nice in NICE if nice * power >= rough and (nice * power) % 1 == 0)
