"""Lines of a crowded room wait a moment for those right behind them, and each reader gets all of them in one write.

To write to a thousand sockets takes longer than to store a message. What was stored while more of the same room was on its way
to the database would be written to each of them alone, and what comes next behind it; so it waits for the next flush, but not
longer than a part of what the write takes. A message after which nothing comes waits for nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

MANY: Final = 64  # readers; for fewer, a write is quicker than a wait
WAIT_PER_READER: Final = 5e-6  # seconds: about half of what one write takes
SHORTEST, LONGEST = 0.001, 0.05  # seconds: the step of the loop's clock, and what nobody notices

Lines: TypeAlias = Sequence[tuple[int, bytes]]


@dataclass(slots=True)
class _Kept:
    lines: list[tuple[int, bytes]]
    timer: asyncio.TimerHandle


class Gathering:
    """What waits, by room. `let_go` gets a room and its lines when the wait is over."""

    def __init__(self, loop: asyncio.AbstractEventLoop, let_go: Callable[[str, Lines], None]) -> None:
        self._loop, self._let_go = loop, let_go
        self._kept: dict[str, _Kept] = {}

    def keep(self, group: str, lines: Lines, *, readers: int) -> None:
        """Keep these, behind those that are kept already, for so many readers."""
        if kept := self._kept.get(group):
            kept.lines += lines
        else:
            wait = min(max(SHORTEST, readers * WAIT_PER_READER), LONGEST)
            self._kept[group] = _Kept([*lines], self._loop.call_later(wait, self.release, group))

    def join(self, group: str, lines: Lines) -> Lines:
        """What is kept, and these behind it: nothing is kept any more."""
        kept = self._kept.pop(group, None)
        if kept is None:
            return lines
        kept.timer.cancel()
        return [*kept.lines, *lines]

    def release(self, group: str) -> None:
        """Let go what is kept of the room, if anything is."""
        if group in self._kept:
            self._let_go(group, self.join(group, ()))
