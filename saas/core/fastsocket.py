"""The fast way into and out of a WebSocket: frames made once for everyone, texts taken without a task.

`FastWebSocketProtocol` is uvicorn's sans-IO protocol with one ASGI extension, `scope["extensions"]["porchlight.raw_text"]`: a
`RawText`, through which an application may write a whole, already framed text message, and may have texts handed to a function of
its own instead of asking for each with `receive`. A frame from a server carries no mask and, with compression off, is the same
bytes for every reader. Ordinary `send` keeps working beside it and in order.

Bytes that come in are cut into whole frames here. Whole text messages are taken at once; all else (fragments, pings, closes, what
is malformed) goes to the parent's parser, which thereby always stands at the beginning of a frame.

Used as `uvicorn --ws saas.core.fastsocket:FastWebSocketProtocol`. `check()` compares at start-up what the class leans on.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Protocol

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode, apply_mask  # type: ignore[attr-defined]  # in C where it was compiled
from websockets.http11 import Request
from websockets.protocol import Protocol as WebSocketsProtocol

EXTENSION = "porchlight.raw_text"
PIECE = 64 * 1024  # bytes of several frames in one write
MAX_BUFFER = 1 << 20  # bytes that may wait in one socket's write buffer
MAX_MESSAGE = 128 * 1024  # a larger message is cut with 1009 before it is held in memory
ABORT_SECONDS = 10.0  # a peer that reads nothing keeps the socket no longer than this after its close


# What this module leans on in uvicorn's protocol.
NEEDED = (
    "self.scope",
    "self.handshake_initiated",
    "self.handshake_complete",
    "self.close_sent",
    "self.disconnected",
    "self.transport.write(",
    "self.frames = []",
    "self.curr_msg_data_type",
    "self.conn.send_close(1007)",
    "self.handle_parser_exception()",
    "self.conn.receive_data(data)",
    "self.queue.put_nowait(",
    "self.read_paused = False",
)
NEEDED_BELOW = ("self.current_size is not None",)  # and in the parser of websockets

Take = Callable[[str], None]


class RawText(Protocol):
    """What the extension offers."""

    def write(self, framed: bytes) -> bool:
        """Write framed text now, after what waits. False: the socket is not open, or its peer reads too slowly."""
        ...

    def write_soon(self, framed: bytes) -> bool:
        """Write it together with what else is written in this turn of the loop."""
        ...

    def flush(self) -> None:
        """Write what waits for the end of the turn."""
        ...

    def hand_over(self, take: Take | None) -> bool:
        """From now on each text goes to `take`, at once; `receive` tells of the end only. With None it brings all again.

        False: texts wait that came before; receive them first. `take` must not raise.
        """
        ...

    def abort(self) -> None:
        """Drop the connection now, with whatever it still holds."""
        ...


def frame(text: bytes) -> bytes:
    """One unmasked, final text frame (RFC 6455, section 5.2)."""
    size = len(text)
    if size < 126:
        return bytes((0x81, size)) + text
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + text
    return b"\x81\x7f" + size.to_bytes(8, "big") + text


def together(frames: Sequence[bytes]) -> Sequence[bytes]:
    """Frames in a row as few pieces of at most `PIECE` bytes, or of one frame: one write is cheaper than many."""
    if len(frames) < 2:
        return frames
    pieces: list[list[bytes]] = [[]]
    size = 0
    for framed in frames:
        if size and size + len(framed) > PIECE:
            pieces.append([])
            size = 0
        pieces[-1].append(framed)
        size += len(framed)
    return [b"".join(piece) for piece in pieces]


def payloads(framed: bytes) -> Iterator[bytes]:
    """The texts inside a piece that `frame` and `together` made."""
    start = 0
    while start < len(framed):
        head = {126: 4, 127: 10}.get(framed[start + 1], 2)
        size = framed[start + 1] if head == 2 else int.from_bytes(framed[start + 2 : start + head], "big")
        start += head + size
        yield framed[start - size : start]


class FastWebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol, with the raw ways in and out and without compression."""

    _full: ClassVar[list["FastWebSocketProtocol"]] = []  # those with something to write at the end of the turn
    _soon: list[bytes] | None = None
    _soon_size = 0
    _take: Take | None = None
    _is_framing = False  # whether the handshake is over, and we cut the frames
    _rest: bytearray | None = None  # the beginning of a frame

    def __init__(self, config: Config, *args: Any, **kwargs: Any) -> None:
        config.ws_per_message_deflate = False  # a negotiated extension would forbid frames shared by all
        config.ws_max_size = MAX_MESSAGE
        config.ws_ping_interval = None  # the application's own pings carry heads
        super().__init__(config, *args, **kwargs)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)  # makes self.scope and the application's task, which has not run yet
        if getattr(self, "scope", None) is not None:
            extensions: dict[str, object] = self.scope["extensions"]  # type: ignore[assignment]
            extensions[EXTENSION] = self

    def data_received(self, data: bytes) -> None:
        """Whole frames, one by one; before that the handshake, of which one that cannot be read is answered, not held open."""
        if self._is_framing:
            return self._cut(data)
        super().data_received(data)
        if self.handshake_initiated:
            self._is_framing = data.endswith(b"\r\n\r\n")  # a client that did not wait for the answer is left to the parent
        elif self.conn.handshake_exc is not None and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.transport.close()
        return None

    def _cut(self, data: bytes | bytearray) -> None:
        if self._rest is not None:
            self._rest += data
            data, self._rest = self._rest, None
        at, size = 0, len(data)
        while size - at >= 2 and (end := _end_of(data, at, size)) <= size and not self.transport.is_closing():
            head = 6 if data[at + 1] < 0xFE else 8
            if data[at] == 0x81 and 0x80 <= data[at + 1] < 0xFF and self._take is not None and self._may_take():
                self._take_text(data, at, at + head, end)
            else:
                super().data_received(bytes(data[at:end]))
            at = end
        if at < size:
            self._rest = bytearray(data[at:])
            if size - at >= 2 and not _may_become_whole(self._rest):
                self._is_framing = False  # nothing to wait for: the parent ends it by its head
                super().data_received(bytes(self._rest))

    def _may_take(self) -> bool:
        return not self.close_sent and not self.disconnected and self.conn.current_size is None

    def _take_text(self, data: bytes | bytearray, at: int, start: int, end: int) -> None:
        try:
            text = apply_mask(data[start:end], data[start - 4 : start]).decode()
        except UnicodeDecodeError:
            super().data_received(bytes(data[at:end]))
        else:
            self._take(text)  # type: ignore[misc]  # the caller looked

    def send_receive_event_to_app(self) -> None:
        """As the parent does; but text that is no UTF-8 ends the socket (1007) without a traceback for what a peer did."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_utf8(self.frames):
            self.frames = []
            self.conn.send_close(1007)
            return self.handle_parser_exception()
        if self._take is not None and self.curr_msg_data_type == "text" and not self.close_sent:
            text, self.frames = b"".join(self.frames).decode(), []
            return self._take(text)  # it came in fragments
        return super().send_receive_event_to_app()

    def hand_over(self, take: Take | None) -> bool:
        if take is not None and not self.queue.empty():
            return False
        self._take = take
        return True

    def write(self, framed: bytes) -> bool:
        if self._soon is not None:
            fits = self.write_soon(framed)
            self.flush()
            return fits
        transport = self.transport
        if not self.handshake_complete or self.close_sent or self.disconnected or transport.is_closing():
            return False
        if transport.get_write_buffer_size() + len(framed) > MAX_BUFFER:
            return False
        transport.write(framed)
        return True

    def write_soon(self, framed: bytes) -> bool:
        transport, size = self.transport, self._soon_size + len(framed)
        if not self.handshake_complete or self.close_sent or self.disconnected or transport.is_closing():
            return False
        if transport.get_write_buffer_size() + size > MAX_BUFFER:
            return False
        self._soon_size = size
        if self._soon is not None:
            self._soon.append(framed)
            return True
        self._soon = [framed]
        if not self._full:
            self.loop.call_soon(_flush_all, self._full)
        self._full.append(self)
        return True

    def flush(self) -> None:
        if self._soon is not None:
            pieces, self._soon, self._soon_size = self._soon, None, 0
            if not self.close_sent and not self.disconnected and not self.transport.is_closing():
                self.transport.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def abort(self) -> None:
        if not self.disconnected:
            self.transport.abort()


def _end_of(data: bytes | bytearray, at: int, size: int) -> int:
    """Where the frame at `at` ends; beyond `size` also while its head is not whole. (RFC 6455, section 5.2.)"""
    length = data[at + 1] & 0x7F
    mask = 4 if data[at + 1] & 0x80 else 0
    if length < 126:
        return at + 2 + mask + length
    extra = 2 if length == 126 else 8
    if size - at < 2 + extra:
        return size + 1
    return at + 2 + extra + mask + int.from_bytes(data[at + 2 : at + 2 + extra], "big")


def _may_become_whole(data: bytearray) -> bool:
    """Whether the beginning of a frame is that of one a client may send, and not longer than we take."""
    control = data[0] & 0x08
    if data[0] & 0x70 or data[0] & 0x07 > 2 or not data[1] & 0x80:
        return False  # a reserved bit or opcode, or no mask
    if control and (not data[0] & 0x80 or data[1] & 0x7F > 125):
        return False  # a ping or close in parts, or too long
    return _end_of(data, 0, len(data)) <= max(len(data) + 1, MAX_MESSAGE + 14)


def _flush_all(full: list[FastWebSocketProtocol]) -> None:
    """At the end of the turn."""
    ready = full[:]
    full.clear()
    for protocol in ready:
        protocol.flush()


def _is_utf8(parts: Iterable[bytes]) -> bool:
    try:
        b"".join(parts).decode()
    except UnicodeDecodeError:
        return False
    return True


def check() -> None:
    """Raise `RuntimeError` where the server library is not the one that this module was written for."""
    source = inspect.getsource(WebSocketsSansIOProtocol)
    for needed in NEEDED:
        if needed not in source:
            raise RuntimeError(f"uvicorn's sans-IO protocol has no {needed!r}; saas/core/fastsocket.py must be read again")
    for needed in NEEDED_BELOW:
        if needed not in inspect.getsource(WebSocketsProtocol):
            raise RuntimeError(f"the parser of websockets has no {needed!r}; saas/core/fastsocket.py must be read again")
    for size in (0, 125, 126, 65_535, 65_536):
        if Frame(Opcode.TEXT, b"x" * size).serialize(mask=False) != frame(b"x" * size):
            raise RuntimeError(f"a text frame of {size} bytes differs from what websockets writes")
