"""Long lists, fifty at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from django.db.models import QuerySet
from django.http import QueryDict

T = TypeVar("T")
SIZE: Final = 50
MOST_PAGES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list, and the queries (`?...`) of its neighbours; empty where there is none."""

    rows: list[T]
    earlier: str
    later: str
    first: int = 0  # place of its first row among all, from 1; 0 where nobody counts
    total: int | None = None  # rows of all pages; None where nobody counts

    @property
    def last(self) -> int:
        """Place of its last row among all."""
        return self.first + len(self.rows) - 1


def numbered(
    rows: QuerySet[T] | Sequence[T],  # type: ignore[type-var]
    query: QueryDict,
    *,
    size: int = SIZE,
    name: str = "page",
) -> Page[T]:
    """The page that `?page=` asks for, of rows that are counted: two queries. Another number is made to fit.

    Of two lists on one page the second goes by another `name`.
    """
    total = rows.count() if isinstance(rows, QuerySet) else len(rows)
    last = max(1, -(-total // size))
    number = min(_number(query.get(name, "")), last)
    shown = list(rows[(number - 1) * size : number * size])
    return Page(
        rows=shown,
        earlier=with_query(query, **{name: str(number - 1)}) if number > 1 else "",
        later=with_query(query, **{name: str(number + 1)}) if number < last else "",
        first=(number - 1) * size + 1 if shown else 0,
        total=total,
    )


def keyed(rows: Sequence[T], query: QueryDict, *, key: Callable[[T], str], size: int = SIZE) -> Page[T]:
    """The page that `?after=` asks for, of rows that were fetched from there on: `size` and one more, if there is one.

    Nobody counts, so the millionth row costs what the first does. `earlier` leads to the beginning.
    """
    shown = list(rows[:size])
    return Page(
        rows=shown,
        earlier=with_query(query, after=None) if query.get("after") else "",
        later=with_query(query, after=key(shown[-1])) if len(rows) > size else "",
    )


def with_query(query: QueryDict, **changes: str | None) -> str:
    """The query with some values in place of what it had; None takes one out. What is empty is left out."""
    changed = query.copy()
    for name, value in changes.items():
        changed.pop(name, None)
        if value:
            changed[name] = value
    kept = QueryDict(mutable=True)
    for name, values in changed.lists():
        kept.setlist(name, [value for value in values if value])
    return f"?{kept.urlencode()}"


def _number(text: str) -> int:
    return min(int(text), MOST_PAGES) if text.isascii() and text.isdigit() and text.strip("0") and len(text) < 7 else 1
