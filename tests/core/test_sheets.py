"""Sheets: what a long one costs while it is sent."""

import csv
from collections.abc import Iterator
from threading import get_ident

from saas.core import sheets

MANY = 10 * sheets.AT_ONCE


class Rows:
    """Rows that note how many were read, and on which threads."""

    def __init__(self) -> None:
        self.read = 0
        self.threads: set[int] = set()

    def __iter__(self) -> Iterator[tuple[object, ...]]:
        for number in range(MANY):
            self.read += 1
            self.threads.add(get_ident())
            yield number, "=1+1"


async def test_a_server_reads_a_long_one_piece_by_piece() -> None:
    rows = Rows()
    answer = sheets.streamed("all", ("number", "sum"), rows)
    pieces, ahead = [], []
    async for piece in answer:
        pieces.append(piece)
        ahead.append(rows.read)
    assert ahead[0] <= sheets.AT_ONCE, "the rest is not read before the first lines are sent"
    assert len(pieces) > MANY // sheets.AT_ONCE
    assert get_ident() not in rows.threads, "the loop is not held up"
    head, *lines = csv.reader(b"".join(pieces).decode().splitlines())
    assert head == ["number", "sum"]
    assert lines == [[str(number), "'=1+1"] for number in range(MANY)]


def test_without_a_loop_it_is_the_same() -> None:
    lines = b"".join(sheets.streamed("all", ("number", "sum"), Rows())).decode().splitlines()
    assert (lines[0], lines[-1]) == ("number,sum", f"{MANY - 1},'=1+1")
