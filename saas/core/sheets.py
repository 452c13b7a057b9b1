"""Lists as CSV: what stands on a page, in columns that a spreadsheet reads."""

import csv
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone

FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is a formula to some programs


def sheet(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A download of `<name>-<day>.csv`."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = _as_download(name)
    writer = csv.writer(answer)
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return answer


def streamed(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """The same of many rows, sent as they are read."""
    writer = csv.writer(_Echo())
    lines = (writer.writerow([_cell(value) for value in row]) for row in chain([head], rows))
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = _as_download(name)
    return answer


def _as_download(name: str) -> str:
    return f'attachment; filename="{name}-{timezone.now():%Y-%m-%d}.csv"'


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, line: str) -> str:
        return line


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULAS):
        return f"'{value}"
    return "" if value is None else value
