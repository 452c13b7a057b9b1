"""Lists as CSV: what stands on a page, in columns that a spreadsheet reads."""

import csv
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import chain, islice
from typing import Final, cast

from asgiref.sync import sync_to_async
from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone

FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is a formula to some programs
AT_ONCE: Final = 500  # lines that are read and sent in one piece


def sheet(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A download of `<name>-<day>.csv`."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = _as_download(name)
    writer = csv.writer(answer)
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return answer


def streamed(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """The same of many rows, sent while they are read: few are in memory, and no thread waits for a slow reader."""
    writer = csv.writer(_Echo())
    lines = (writer.writerow([_cell(value) for value in row]) for row in chain([head], rows))
    answer = _Lines(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = _as_download(name)
    return answer


def _as_download(name: str) -> str:
    return f'attachment; filename="{name}-{timezone.now():%Y-%m-%d}.csv"'


class _Lines(StreamingHttpResponse):
    """Django would make a list of all lines for a server that asks in a coroutine. This reads piece by piece, on threads."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await sync_to_async(self._piece)():
            yield piece

    def _piece(self) -> bytes:
        pieces = cast(Iterable[bytes], self.streaming_content)  # made of lines that are there without waiting
        return b"".join(islice(pieces, AT_ONCE))


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, line: str) -> str:
        return line


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULAS):
        return f"'{value}"
    return "" if value is None else value
