"""Lists as CSV: what stands on a page, in columns that a spreadsheet reads."""

import csv
from collections.abc import Iterable, Sequence
from typing import Final

from django.http import HttpResponse

from billing.clock import now

FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is a formula to some programs


def sheet(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A download of `<name>-<day>.csv`."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}-{now():%Y-%m-%d}.csv"'
    writer = csv.writer(answer)
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return answer


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULAS):
        return f"'{value}"
    return "" if value is None else value
