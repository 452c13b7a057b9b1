"""The way in of a socket whose server offers no extension: the same manners as `fastsocket`, by what ASGI has."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from saas.core.fastsocket import MOST_IN_A_TURN

MOST_KEPT: Final = 2_000  # frames that came during rests

Event = dict[str, Any]


class Intake:
    """A `receive` that lets others have their turn, and that can rest.

    The server cannot be told to read no more: what comes during a rest is kept, and too much of it calls `overflow`.
    """

    def __init__(self, receive: Callable[[], Awaitable[Event]]) -> None:
        self._receive = receive
        self._kept: deque[Event] = deque()
        self._until = 0.0
        self._taken = 0
        self.overflow: Callable[[], None] = lambda: None  # what comes after it is dropped, up to the end

    async def __call__(self) -> Event:
        self._taken += 1
        if self._until > asyncio.get_running_loop().time():
            await self._rest()
        elif not self._taken % MOST_IN_A_TURN:
            await asyncio.sleep(0)
        return self._kept.popleft() if self._kept else await self._receive()

    def rest(self, seconds: float) -> None:
        """Give nothing more for so long."""
        self._until = asyncio.get_running_loop().time() + seconds

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._until):
                while not self._is_over():
                    self._kept.append(await self._receive())
                    if len(self._kept) > MOST_KEPT:
                        self.overflow()
                        self._kept.clear()

    def _is_over(self) -> bool:
        """Nothing comes after the end."""
        return bool(self._kept) and self._kept[-1]["type"] == "websocket.disconnect"
