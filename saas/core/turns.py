"""Turns at something dear: so many at the same time in all, so many of one owner, and the owners who wait are served in turn."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Final

from saas.core.errors import Busy

MOST_WAITING: Final = 20_000  # of one owner


class Turns:
    """For the coroutines of one event loop: `async with turns.of(owner):`."""

    def __init__(self, *, most: int, each: int) -> None:
        self._free = most
        self._each = each
        self._running: dict[Hashable, int] = {}
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}  # the first is served next

    @asynccontextmanager
    async def of(self, owner: Hashable) -> AsyncIterator[None]:
        """Wait for the owner's turn, and hold it. Raises `Busy` when too many of the owner's wait."""
        queue = self._waiting.setdefault(owner, deque())
        if len(queue) >= MOST_WAITING:
            raise Busy("Too many are coming in at once.", retry_after=2.0)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        self._serve()
        try:
            await turn
            yield
        finally:
            if turn.cancel() or turn.cancelled():
                self._forget(owner, turn)
            else:
                self._give_back(owner)

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
                self._free -= 1
                self._running[owner] = self._running.get(owner, 0) + 1
                turn.set_result(None)

    def _forget(self, owner: Hashable, turn: "asyncio.Future[None]") -> None:
        """It ended while it waited."""
        queue = self._waiting.get(owner)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[owner]

    def _give_back(self, owner: Hashable) -> None:
        self._free += 1
        self._running[owner] -= 1
        if not self._running[owner]:
            del self._running[owner]
        self._serve()
