"""The figures as a table, as JSON, and as a page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Goal:
    """What we mean to reach: so many `times` as good as the peer, or a figure of `at_least` or `at_most` so much."""

    kind: Literal["times", "at_least", "at_most"]
    value: float

    def text(self) -> str:
        """As the table shows it."""
        match self.kind:
            case "times":
                return f">= {self.value:g}x"
            case "at_least":
                return f">= {self.value:,g}"
            case "at_most":
                return f"<= {self.value:,g}"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing measured, on our side and perhaps on a peer's, which `beside` names. None: there is no figure.

    `ratio` is how many times better ours is, so that more is always better.
    """

    name: str
    unit: str
    ours: float | None
    beside: str = ""
    peer: float | None = None
    goal: Goal | None = None
    less_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's; the other way round where less is better; None unless both have a figure."""
        better, worse = (self.peer, self.ours) if self.less_is_better else (self.ours, self.peer)
        return better / worse if better is not None and worse else None

    @property
    def is_whole(self) -> bool:
        """Whether every figure is there that should be."""
        return self.ours is not None and (self.peer is not None or not self.beside)

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None without one. What has no figure has met nothing."""
        if self.goal is None:
            return None
        figure = self.ratio if self.goal.kind == "times" else self.ours
        if figure is None:
            return False
        return figure <= self.goal.value if self.goal.kind == "at_most" else figure >= self.goal.value

    @property
    def verdict(self) -> str:
        """`reached`, `MISSED`, `no figure`, or nothing."""
        decided = self.ours is not None and (self.goal is None or self.goal.kind != "times" or self.ratio is not None)
        return {None: "", True: "reached", False: "MISSED"}[self.is_met] if decided else "no figure"

    def as_json(self) -> dict[str, str | float | bool | None]:
        """As it stands in results.json."""
        return {
            "name": self.name,
            "ours": _rounded(self.ours),
            "peer": _rounded(self.peer),
            "ratio": _rounded(self.ratio),
            "unit": self.unit,
            "beside": self.beside,
            "target": self.goal.text() if self.goal else None,
            "met": self.is_met,
        }

    def cells(self) -> list[str]:
        """As a line of the table."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}x" if self.ratio < 10 else f"{self.ratio:.1f}x"
        goal = self.goal.text() if self.goal else ""
        return [self.name, _cell(self.ours), self.unit, self.beside, _cell(self.peer), ratio, goal, self.verdict]


HEAD = ("What", "ours", "unit", "beside", "theirs", "ratio", "target", "")
NUMBERS = (1, 4, 5, 6)  # columns


def table(rows: Sequence[Row]) -> str:
    """A Markdown table, aligned to be read as text too."""
    return grid(HEAD, [row.cells() for row in rows], numbers=NUMBERS)


def grid(head: Sequence[str], lines: Sequence[Sequence[str]], *, numbers: Sequence[int]) -> str:
    """Any Markdown table; the columns `numbers` stand right."""
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    rule = "|" + "|".join("-" * (width + 1) + (":" if column in numbers else "-") for column, width in enumerate(widths)) + "|"
    return "\n".join([_line(head, widths, numbers), rule, *(_line(line, widths, numbers) for line in lines)])


def _line(cells: Sequence[str], widths: Sequence[int], numbers: Sequence[int]) -> str:
    padded = [
        cell.rjust(width) if column in numbers else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "| " + " | ".join(padded) + " |"


def text(figure: float) -> str:
    """A figure for people: no more digits than it is worth."""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"


def _cell(figure: float | None) -> str:
    return "" if figure is None else text(figure)


def _rounded(figure: float | None) -> float | None:
    """Four significant digits: more would be noise."""
    return None if figure is None else float(f"{figure:.4g}")


def write(rows: Mapping[str, Sequence[Row]], page: str) -> None:
    """results.json, from the rows of each section, and RESULTS.md."""
    entries = [row.as_json() | {"section": name} for name, some in rows.items() for row in some]
    (FOLDER / "results.json").write_text(json.dumps(entries, indent=2) + "\n")
    (FOLDER / "RESULTS.md").write_text(page)
