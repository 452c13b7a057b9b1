"""The way out of one socket. One outbox per socket keeps all its frames in order, on either server.

`FastOutbox` writes through the server's raw extension; `PlainOutbox` holds a bounded queue that a task drains by `await send`.
Neither ever waits: a reader that is too slow loses its socket, and recovery does the rest.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from saas.core.fastsocket import ABORT_SECONDS, frame, payloads
from saas.core.rawtext import EXTENSION, RawText

MAX_FRAMES = 2_000  # one flush of the journal may bring a room 500 lines at once
MAX_BYTES = 1 << 20
SEND_SECONDS = 5.0  # one `await send` on the plain path takes no longer, or the socket ends

AsgiSend = Callable[[dict[str, Any]], Awaitable[None]]


class Outbox(Protocol):
    """What a socket writes through."""

    def write(self, text: bytes) -> bool:
        """Send one frame of text. False: the peer reads too slowly, or is gone."""
        ...

    def write_framed(self, framed: bytes) -> bool:
        """The same for frames that go to many, made once by `fastsocket.frame`; several may stand in one piece."""
        ...

    def write_soon(self, framed: bytes) -> bool:
        """The same, together with what else is written in this turn of the loop."""
        ...

    async def close(self, code: int) -> None:
        """Send what waits, then the close code."""
        ...

    def release(self) -> None:
        """The socket has ended: keep nothing."""
        ...

    @property
    def unsent(self) -> int:
        """Bytes that the peer has not taken yet."""
        ...


class FastOutbox:
    """Straight to the transport."""

    __slots__ = ("_raw", "_send", "write_framed", "write_soon")

    def __init__(self, raw: RawText, send: AsgiSend) -> None:
        self._raw = raw
        self._send = send
        self.write_framed = raw.write  # no call between the hub and the transport
        self.write_soon = raw.write_soon

    def write(self, text: bytes) -> bool:
        return self.write_soon(frame(text))

    async def close(self, code: int) -> None:
        # `send` waits until a stalled reader has drained the buffer: the timer ends the connection of one that never does.
        timer = asyncio.get_running_loop().call_later(ABORT_SECONDS, self._raw.abort)
        self._raw.flush()
        self._raw.rest(0)  # a socket that is not read just now hears its peer's close
        try:
            await self._send({"type": "websocket.close", "code": int(code)})
        except (OSError, RuntimeError):
            pass  # it went first
        finally:
            timer.cancel()

    def release(self) -> None:
        self._raw.hand_over(None)

    @property
    def unsent(self) -> int:
        return self._raw.unsent


class PlainOutbox:
    """For a server without the extension: a bounded queue, drained by one task."""

    def __init__(self, send: AsgiSend) -> None:
        self._send = send
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._dead = False
        self._task = asyncio.get_running_loop().create_task(self._drain())

    def write(self, text: bytes) -> bool:
        if self._dead or len(self._waiting) >= MAX_FRAMES or self._bytes + len(text) > MAX_BYTES:
            return False
        self._waiting.append(text)
        self._bytes += len(text)
        self._wake.set()
        return True

    def write_framed(self, framed: bytes) -> bool:
        return all(self.write(text) for text in payloads(framed))

    write_soon = write_framed

    async def _drain(self) -> None:
        try:
            while True:
                await self._wake.wait()
                await self._empty()
        except (OSError, RuntimeError, TimeoutError):
            self._dead = True

    async def _empty(self) -> None:
        while self._waiting:
            text = self._waiting.popleft()
            self._bytes -= len(text)
            async with asyncio.timeout(SEND_SECONDS):
                await self._send({"type": "websocket.send", "text": text.decode()})
        self._wake.clear()

    async def close(self, code: int) -> None:
        self._task.cancel()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                if not self._dead:
                    await self._empty()
                await self._send({"type": "websocket.close", "code": int(code)})
        except (OSError, RuntimeError, TimeoutError):
            pass  # it went first, or never read
        finally:
            self._dead = True  # nobody drains what would still be written

    def release(self) -> None:
        self._dead = True
        self._task.cancel()

    @property
    def unsent(self) -> int:
        return self._bytes


def outbox_for(scope: dict[str, Any], send: AsgiSend) -> Outbox:
    """The fast outbox where the server offers the extension, else the plain one."""
    raw = scope.get("extensions", {}).get(EXTENSION)
    return FastOutbox(raw, send) if raw is not None else PlainOutbox(send)
