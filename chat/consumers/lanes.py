"""Frames of one socket, in order where order matters and side by side where it does not.

Frames of one room share a lane: they are handled in the order sent. A frame that must wait, for the database say, holds up its
lane only. A frame whose lane is free and whose handler need not wait costs no task.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Hashable

from chat.limits import WAITING_IN_LANES
from saas.core.errors import Busy

Job = Callable[[], Awaitable[None] | None]


class Lanes:
    """The lanes of one socket. What waits in them runs in `context`, which names the socket in the log."""

    def __init__(self, context: contextvars.Context | None = None) -> None:
        self._context = context
        self._lanes: dict[Hashable, deque[Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._rests_until = 0.0

    def rest(self, seconds: float) -> None:
        """Begin nothing that waits for so long."""
        self._rests_until = asyncio.get_running_loop().time() + seconds

    def run(self, lane: Hashable, job: Job) -> None:
        """Do the job now if its lane is free, else after those before it. Raises `Busy` when too much waits."""
        if lane in self._lanes:
            if self._waiting >= WAITING_IN_LANES:
                raise Busy("Too many frames are waiting.", retry_after=1.0)
            self._lanes[lane].append(job)
            self._waiting += 1
        elif (pending := job()) is not None:
            self._lanes[lane] = deque()
            task = asyncio.get_running_loop().create_task(self._drain(lane, pending), context=self._context)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _drain(self, lane: Hashable, pending: Awaitable[None]) -> None:
        waiting = self._lanes[lane]
        try:
            await pending
            while waiting:
                await self._rested()
                self._waiting -= 1
                if (following := waiting.popleft()()) is not None:
                    await following
        finally:
            self._waiting -= len(waiting)
            del self._lanes[lane]

    async def _rested(self) -> None:
        if (left := self._rests_until - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(left)

    async def idle(self) -> None:
        """Wait until every lane is empty."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def stop(self) -> None:
        """Drop what waits; the socket has ended."""
        soon = asyncio.get_running_loop().call_soon  # after its first step: a coroutine that never began would complain
        for task in self._tasks:
            soon(task.cancel)
