"""Turns at something dear: so many at the same time in all, so many of one owner, and the owners who wait are served in turn."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import AbstractAsyncContextManager
from typing import Final

from saas.core.errors import Busy

MOST_WAITING: Final = 20_000  # of one owner
SMOOTH: Final = 0.005  # the share of the newest in the pace: the last few hundred turns count
LONGEST_STEP: Final = 0.1  # seconds; a turn that hangs for longer says nothing of the others


class Turns:
    """For the coroutines of one event loop: `async with turns.of(owner):`."""

    def __init__(self, *, most: int, each: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = most
        self._each = each
        self._clock = clock
        self._pace = 0.0  # seconds from the end of one turn to that of the next while others wait, smoothed
        self._ended: float | None = None  # the last turn, if others waited then
        self._running: dict[Hashable, int] = {}
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}  # the first is served next

    def step(self) -> float:
        """Seconds from one owner's turn to the same owner's next, by the pace of late."""
        return self._pace * max(1, len(self._waiting))

    def expected(self, owner: Hashable) -> float:
        """Seconds until one more of the owner's would have its turn. 0 where that is not known."""
        return len(self._waiting.get(owner, ())) * self.step()

    def of(self, owner: Hashable) -> AbstractAsyncContextManager[None]:
        """Wait for the owner's turn, and hold it. Raises `Busy` when too many of the owner's wait."""
        return _Turn(self, owner)

    async def begin(self, owner: Hashable) -> None:
        """See `of`; who begins calls `end`. Where nobody waits it does not wait either."""
        if self._free and owner not in self._waiting and self._running.get(owner, 0) < self._each:
            return self._take(owner)  # whoever else waits has all the turns that they may have
        queue = self._waiting.setdefault(owner, deque())
        if len(queue) >= MOST_WAITING:
            raise Busy("Too many are coming in at once.", retry_after=2.0)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        self._serve()
        try:
            await turn
        except BaseException:
            if turn.cancel() or turn.cancelled():
                self._forget(owner, turn)
            else:
                self.end(owner)
            raise

    def _take(self, owner: Hashable) -> None:
        self._free -= 1
        self._running[owner] = self._running.get(owner, 0) + 1

    def _serve(self) -> None:
        while self._free:
            owner = next((one for one in self._waiting if self._running.get(one, 0) < self._each), None)
            if owner is None:
                return
            queue = self._waiting.pop(owner)
            turn = queue.popleft()
            if queue:
                self._waiting[owner] = queue  # behind the others
            if not turn.done():
                self._take(owner)
                turn.set_result(None)

    def _forget(self, owner: Hashable, turn: "asyncio.Future[None]") -> None:
        """It ended while it waited."""
        queue = self._waiting.get(owner)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[owner]

    def _measure(self) -> None:
        now = self._clock()
        if self._ended is not None:
            self._pace += (min(now - self._ended, LONGEST_STEP) - self._pace) * SMOOTH
        self._ended = now if self._waiting else None

    def end(self, owner: Hashable) -> None:
        """The turn is over."""
        self._measure()
        self._free += 1
        self._running[owner] -= 1
        if not self._running[owner]:
            del self._running[owner]
        self._serve()


class _Turn:
    """One turn of somebody's: a class, since a generator would cost more than the turn."""

    __slots__ = ("_owner", "_turns")

    def __init__(self, turns: Turns, owner: Hashable) -> None:
        self._turns, self._owner = turns, owner

    async def __aenter__(self) -> None:
        await self._turns.begin(self._owner)

    async def __aexit__(self, *_error: object) -> None:
        self._turns.end(self._owner)
