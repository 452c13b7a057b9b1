"""Charts of the staff console as SVG made here: bars of what came and went, and a line over them. No script draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH, HEIGHT, FOOT, LEFT = 720, 240, 28, 64  # of the drawing, its row of names, and its column of amounts
NARROW: Final = 460  # where two stand side by side
STEPS: Final = 4
NICE: Final = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a column: what it says, and where it stands."""

    kind: str
    words: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark at an axis."""

    words: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws."""

    bars: list[Bar]
    line: str  # points of a polyline
    dots: list[Tick]
    names: list[Tick]
    amounts: list[Tick]
    zero: float
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


Column = tuple[
    str, Sequence[tuple[str, float, str]], float | None
]  # its name, its parts (kind, amount, words), the line's amount


def chart(columns: Sequence[Column], *, scale: float = 1.0, width: int = WIDTH) -> Chart:
    """Columns from left to right. Parts above zero stack upwards, those below it downwards. Amounts times `scale` are shown."""
    top, bottom = _reach(columns)
    step = _step(top - bottom)
    high, low = _up(top, step), -_up(-bottom, step)
    wide = (width - LEFT) / max(1, len(columns))

    def y(amount: float) -> float:
        return round((high - amount) / (high - low) * (HEIGHT - FOOT - 12) + 6, 1)

    bars = [bar for place, column in enumerate(columns) for bar in _bars(column, LEFT + place * wide, wide, y)]
    dots = [
        Tick(f"{name}: {amount * scale:,.2f}", round(LEFT + (place + 0.5) * wide, 1), y(amount))
        for place, (name, _, amount) in enumerate(columns)
        if amount is not None
    ]
    names = [Tick(name, round(LEFT + (place + 0.5) * wide, 1), HEIGHT - 8) for place, (name, _, _) in enumerate(columns)]
    amounts = [Tick(f"{amount * scale:,.0f}", LEFT - 8, y(amount)) for amount in _marks(low, high, step)]
    return Chart(bars, " ".join(f"{dot.x},{dot.y}" for dot in dots), dots, names, amounts, y(0), width)


def _reach(columns: Sequence[Column]) -> tuple[float, float]:
    above = [sum(amount for _, amount, _ in parts if amount > 0) for _, parts, _ in columns]
    below = [sum(amount for _, amount, _ in parts if amount < 0) for _, parts, _ in columns]
    lines = [line for *_, line in columns if line is not None]
    return max([*above, *lines, 1.0]), min([*below, *lines, 0.0])


def _step(reach: float) -> float:
    rough = reach / STEPS
    power = 10.0 ** (len(str(int(rough))) - 1)
    return next(nice * power for nice in NICE if nice * power >= rough)


def _up(amount: float, step: float) -> float:
    return -(-amount // step) * step if amount > 0 else 0.0


def _marks(low: float, high: float, step: float) -> list[float]:
    return [low + number * step for number in range(round((high - low) / step) + 1)]


def _bars(column: Column, x: float, wide: float, y: object) -> list[Bar]:
    up, down, found = 0.0, 0.0, []
    for kind, amount, words in column[1]:
        if amount > 0:
            found.append(_bar(kind, words, x, wide, (up + amount, up), y))
            up += amount
        elif amount < 0:
            found.append(_bar(kind, words, x, wide, (down, down + amount), y))
            down += amount
    return found


def _bar(kind: str, words: str, x: float, wide: float, ends: tuple[float, float], y: object) -> Bar:
    assert callable(y)
    top, bottom = y(ends[0]), y(ends[1])
    return Bar(kind, words, round(x + wide * 0.2, 1), top, round(wide * 0.6, 1), max(1.0, round(bottom - top, 1)))
