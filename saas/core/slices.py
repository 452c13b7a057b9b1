"""The time of one event loop in slices: in each turn one owner has so much of it, and the others come before the rest.

A turn is what the loop does between two looks at its sockets. Who waits for an answer waits for many turns, so none may be as
long as one owner likes.
"""

import asyncio
import time
from collections.abc import Callable, Hashable
from typing import Final
from weakref import WeakKeyDictionary

SLICE: Final = 0.002  # seconds


class Slices:
    """Of one event loop. `clock` counts seconds."""

    __slots__ = ("_loop", "_used", "clock")

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        self._loop = loop
        self._used: dict[Hashable, float] = {}

    def left(self, owner: Hashable) -> float:
        """The seconds that the owner has left in this turn; 0 or less: none."""
        return SLICE - self._used.get(owner, 0.0)

    def spend(self, owner: Hashable, seconds: float) -> None:
        """Charge them to the owner. The next turn begins anew."""
        if not self._used:
            self._loop.call_soon(self._used.clear)
        self._used[owner] = self._used.get(owner, 0.0) + seconds


_slices: WeakKeyDictionary[asyncio.AbstractEventLoop, Slices] = WeakKeyDictionary()


def slices_of(loop: asyncio.AbstractEventLoop) -> Slices:
    """Those of this loop."""
    found = _slices.get(loop)
    if found is None:
        found = _slices[loop] = Slices(loop)
    return found
