"""A small TCP proxy whose line can be made as bad as lines get: `async with Proxy(server.port) as proxy: ... proxy.port`.

`proxy.faults` holds for every connection and may be changed at any time. Beside what can happen to any bytes (late, slow,
stopped, cut, reset, swallowed one way), whole pieces of what the server says can be doubled, swapped with the next, dropped, or
be the last one before a cut: WebSocket text frames (RFC 6455, section 5.2), or whatever else a `Splitter` tells apart.
"""

import asyncio
import random
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

CHUNK: Final = 16 * 1024  # bytes read at once, and about what a stalled connection holds here
POLL: Final = 0.02  # seconds between two looks at a stalled connection
REFUSAL: Final = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
LINES: Final = (b'{"t":"msg"', b'{"t":"upd"')  # how frames begin that a client can ask for again


@dataclass
class Faults:
    """What is wrong with the line. As made, nothing is."""

    delay: float = 0.0  # seconds that everything takes longer, each way
    jitter: float = 0.0  # seconds more, at most
    rate: float = 0.0  # bytes per second that the server's words travel with; 0 is unlimited
    stalled: bool = False  # nothing is read and nothing ends: buffers fill on both sides
    deaf: bool = False  # half-open: the server hears nothing more of a client who spoke meanwhile, until they come back
    mute: bool = False  # half-open: the client hears nothing more of a server that spoke meanwhile
    refuse: bool = False  # new connections are reset
    refuse_upgrades: bool = False  # a WebSocket handshake is answered with 403; other requests pass
    duplicate: float = 0.0  # the chance that a piece comes twice
    swap: float = 0.0  # that it comes after the next one
    drop: float = 0.0  # that it never comes
    cut: float = 0.0  # that it is the last one

    def mend(self) -> None:
        """Nothing is wrong any more."""
        self.__dict__.update(Faults().__dict__)


class Splitter(Protocol):
    """Takes a stream apart."""

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces that are whole now. Joined they are the stream."""
        ...

    def touchable(self, piece: bytes) -> bool:
        """Whether faults of pieces may befall this one."""
        ...


@dataclass
class Frames:
    """WebSocket frames from a server, after the answer to the handshake; another stream passes as it comes."""

    held: bytes = b""
    upgraded: bool | None = None

    def feed(self, data: bytes) -> list[bytes]:
        self.held += data
        pieces: list[bytes] = []
        if self.upgraded is None and b"\r\n\r\n" in self.held:
            self.upgraded = self.held.startswith(b"HTTP/1.1 101")
            pieces.append(self._take(self.held.index(b"\r\n\r\n") + 4))
        while self.upgraded and (size := self._size()) and len(self.held) >= size:
            pieces.append(self._take(size))
        if self.upgraded is False:
            pieces.append(self._take(len(self.held)))
        return pieces

    def touchable(self, piece: bytes) -> bool:
        """Only lines of a room: nothing in TCP ever loses a single answer, but a lost doorbell looks like this."""
        head = {126: 4, 127: 10}.get(piece[1] & 127, 2) if len(piece) > 1 else 0
        return piece[:1] == b"\x81" and piece[head:].startswith(LINES)

    def _size(self) -> int:
        """Of the frame in front; 0 while its head is not whole."""
        if len(self.held) < 2:
            return 0
        short = self.held[1] & 127
        head = {126: 4, 127: 10}.get(short, 2)
        if len(self.held) < head:
            return 0
        return head + (short if head == 2 else int.from_bytes(self.held[2:head], "big"))

    def _take(self, size: int) -> bytes:
        piece, self.held = self.held[:size], self.held[size:]
        return piece


@dataclass(eq=False)
class Link:
    """One connection and its twin to the server."""

    proxy: "Proxy"
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    server: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    splitter: Splitter
    swapped: bytes = b""
    deaf: bool = False  # something was swallowed: in a stream without its middle, nothing may follow
    mute: bool = False

    async def run(self) -> None:
        """Carry both ways until either end has gone."""
        ways = [asyncio.create_task(way) for way in (self._up(), self._down())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for _reader, writer in (self.client, self.server):
                writer.close()

    def reset(self) -> None:
        """Vanish towards both ends, as a machine that lost its power does not even do."""
        for _reader, writer in (self.client, self.server):
            reset(writer)

    def end(self) -> None:
        """Reset the server's side and close the client's, which still gets what was carried."""
        reset(self.server[1])
        self.client[1].close()

    async def _up(self) -> None:
        while data := await self._read(self.client[0]):
            if self.proxy.faults.refuse_upgrades and b"upgrade: websocket" in data.lower():
                self.client[1].write(REFUSAL)
                return await self.client[1].drain()
            self.deaf = self.deaf or self.proxy.faults.deaf
            if not self.deaf:
                self.server[1].write(data)
                await self.server[1].drain()
        return None

    async def _down(self) -> None:
        while data := await self._read(self.server[0]):
            for piece in self.splitter.feed(data):
                await self._carry(piece)
            if self.proxy.faults.rate:
                await asyncio.sleep(len(data) / self.proxy.faults.rate)

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        data = await reader.read(CHUNK)
        faults = self.proxy.faults
        while faults.stalled:
            await asyncio.sleep(POLL)
        if faults.delay or faults.jitter:
            await asyncio.sleep(faults.delay + faults.jitter * self.proxy.dice.random())
        return data

    async def _carry(self, piece: bytes) -> None:
        faults, lucky = self.proxy.faults, self.proxy.dice.random
        self.mute = self.mute or faults.mute
        if self.mute:
            return
        if not self.splitter.touchable(piece):
            await self._write(piece)
        elif faults.drop and lucky() < faults.drop:
            self.proxy.dropped += 1
        elif faults.swap and not self.swapped and lucky() < faults.swap:
            self.swapped = piece
        else:
            await self._write(piece * 2 if faults.duplicate and lucky() < faults.duplicate else piece)
            if faults.cut and lucky() < faults.cut:
                self.end()

    async def _write(self, piece: bytes) -> None:
        swapped, self.swapped = self.swapped, b""
        self.client[1].write(piece + swapped)
        await self.client[1].drain()


class Proxy:
    """Listens on a free loopback port and carries each connection to `target`, which may be changed for those to come.

    `receive_buffer` is the size in bytes of the socket's buffer towards the server: a small one makes a slow reader felt early.
    """

    def __init__(
        self,
        target: int,
        *,
        dice: random.Random | None = None,
        splitter: Callable[[], Splitter] = Frames,
        receive_buffer: int = 0,
    ) -> None:
        self.target = target
        self.dice = dice or random.Random(0)
        self.faults = Faults()
        self.links: set[Link] = set()
        self.dropped = 0
        self.port = 0
        self._splitter, self._receive_buffer = splitter, receive_buffer
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> int:
        """Reset every connection; how many there were."""
        cut = list(self.links)
        for link in cut:
            link.reset()
        return len(cut)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(OSError):
                await self._link(reader, writer)
        except asyncio.CancelledError:
            pass  # the proxy has ended; streams would complain about a cancelled handler
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.faults.refuse:
            return reset(writer)
        try:
            server = await self._connect()
        except OSError:
            return reset(writer)
        link = Link(self, (reader, writer), server, self._splitter())
        self.links.add(link)
        try:
            await link.run()
        finally:
            self.links.discard(link)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        line = socket.socket()
        if self._receive_buffer:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        line.setblocking(False)
        await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", self.target))
        return await asyncio.open_connection(sock=line, limit=min(CHUNK, self._receive_buffer or CHUNK))


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST, whatever is still on its way."""
    line = writer.get_extra_info("socket")
    with suppress(OSError):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
