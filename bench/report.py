"""The figures as a table, as JSON, and as a page."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Row:
    """One thing measured on both sides. `ratio` is how many times better ours is, so that more is always better.

    `target` is the ratio that we mean to reach.
    """

    name: str
    ours: float
    peer: float
    unit: str
    target: float | None = None
    less_is_better: bool = False

    @property
    def ratio(self) -> float:
        """Ours over the peer's; the other way round where less is better."""
        return self.peer / self.ours if self.less_is_better else self.ours / self.peer

    def as_json(self) -> dict[str, str | float]:
        """As it stands in results.json."""
        return {
            "name": self.name,
            "ours": _rounded(self.ours),
            "peer": _rounded(self.peer),
            "ratio": _rounded(self.ratio),
            "unit": self.unit,
        }


def table(rows: Sequence[Row]) -> str:
    """A Markdown table, aligned to be read as text too."""
    head = ("What", "ours", "peer", "ratio", "unit")
    cells = [head, *((row.name, _text(row.ours), _text(row.peer), f"{row.ratio:.1f}x", row.unit) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_line(line, widths) for line in cells]
    return "\n".join([lines[0], "|" + "|".join(_rule(index, width) for index, width in enumerate(widths)) + "|", *lines[1:]])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.rjust(width) if _is_number(index) else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "| " + " | ".join(padded) + " |"


def _rule(index: int, width: int) -> str:
    return "-" * (width + 1) + (":" if _is_number(index) else "-")


def _is_number(column: int) -> bool:
    return column in (1, 2, 3)


def _rounded(figure: float) -> float:
    """Four significant digits: more would be noise."""
    return float(f"{figure:.4g}")


def _text(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.1f}"


def write(rows: Sequence[Row], page: str) -> None:
    """results.json and RESULTS.md."""
    (FOLDER / "results.json").write_text(json.dumps([row.as_json() for row in rows], indent=2) + "\n")
    (FOLDER / "RESULTS.md").write_text(page)
