"""A list as the console shows it, and as CSV: the same columns and rows for both."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from billing.money import text
from saas.core.sheets import sheet
from saas.core.staff import staff

GOOD, BAD, WARN, PLAIN = "success", "danger", "warning", "default"
TONES: Final = {
    "ok": GOOD,
    "paid": GOOD,
    "done": GOOD,
    "sent": GOOD,
    "grace": WARN,
    "restricted": WARN,
    "open": WARN,
    "waiting": WARN,
}
BAD_WORDS: Final = frozenset(
    {"suspended", "closed", "failed", "rejected", "verify", "unknown", "uncollectible", "declined", "refused"}
)


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place. `raw` is what the CSV has."""

    words: str
    raw: object = None
    href: str = ""
    tone: str = ""  # a label in this tone
    is_number: bool = False

    @property
    def value(self) -> object:
        """For the CSV."""
        return self.words if self.raw is None else self.raw


def money(amount: int | None, currency: str) -> Cell:
    """Minor units; in the CSV as they are."""
    return Cell("", raw="") if amount is None else Cell(text(amount, currency), raw=amount, is_number=True)


def number(amount: int, unit: str = "") -> Cell:
    """A count."""
    return Cell(f"{amount:,}{unit}", raw=amount, is_number=True)


def moment(at: datetime | None) -> Cell:
    """To the minute, in UTC."""
    return Cell("", raw="") if at is None else Cell(f"{at:%Y-%m-%d %H:%M}", raw=at.isoformat())


def label(word: str) -> Cell:
    """A state in its tone."""
    return Cell(word, tone=TONES.get(word, BAD if word in BAD_WORDS else PLAIN))


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by name, and rows of as many cells. `name` is the download's."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]] = field(default_factory=list)
    empty: str = "Nothing here."

    @property
    def numbers(self) -> list[bool]:
        """Which columns hold numbers, and stand to the end."""
        return [any(row[place].is_number for row in self.rows) for place in range(len(self.columns))]

    @property
    def heads(self) -> list[tuple[str, bool]]:
        """Each column with whether it holds numbers."""
        return list(zip(self.columns, self.numbers, strict=True))

    def sheet(self) -> HttpResponse:
        """As CSV."""
        return sheet(self.name, self.columns, ([cell.value for cell in row] for row in self.rows))


def show(request: HttpRequest, template: str, title: str, *, status: int = 200, **context: object) -> HttpResponse:
    """A page of the console. With `?csv=<name>` the table of that name among `context`, as a download."""
    wanted = request.GET.get("csv")
    for value in context.values():
        if isinstance(value, Table) and value.name == wanted:
            return value.sheet()
    page = {**staff.each_context(request), "title": title, "subtitle": None, **context}
    return render(request, f"staff/{template}.html", page, status=status)
