"""The fast way into and out of a WebSocket: frames made once for everyone, texts taken without a task.

`FastWebSocketProtocol` is uvicorn's sans-IO protocol with one ASGI extension, `scope["extensions"]["porchlight.raw_text"]`: a
`RawText`, through which an application may write a whole, already framed text message, and may have texts handed to a function of
its own instead of asking for each with `receive`. A frame from a server carries no mask and, with compression off, is the same
bytes for every reader. Ordinary `send` keeps working beside it and in order.

Bytes that come in are cut into whole frames here. Whole text messages are taken at once; all else (fragments, pings, closes, what
is malformed) goes to the parent's parser, which thereby always stands at the beginning of a frame.

Used as `uvicorn --ws saas.core.fastsocket:FastWebSocketProtocol`. `check()` compares at start-up what the class leans on.
"""

import asyncio
import inspect
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode, apply_mask  # type: ignore[attr-defined]  # in C where it was compiled
from websockets.protocol import Protocol as WebSocketsProtocol

from saas.core.handshake import Offer, check_defaults
from saas.core.parts import CountedParts
from saas.core.rawtext import MAX_MESSAGE, Take, end_of, is_utf8, may_become_whole
from saas.core.slices import Slices, slices_of

PIECE = 64 * 1024  # bytes of several frames in one write
MAX_BUFFER = 1 << 20  # bytes that may wait in one socket's write buffer
MOST_IN_A_TURN = 64  # frames of one socket; then the other sockets are looked at
MOST_KEPT = 64 * 1024  # bytes of a socket's later frames, before it is not read any more
ABORT_SECONDS = 10.0  # a peer that reads nothing keeps the socket no longer than this after its close

NEEDED = (  # what this module leans on in uvicorn's protocol
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
    "self.handle_ping()",
    "self.handle_pong(event)",
    "self.handle_cont(event)",
)
NEEDED_BELOW = ("self.current_size is not None",)  # and in the parser of websockets


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


class FastWebSocketProtocol(CountedParts):
    """uvicorn's WebSocket protocol, with the raw ways in and out and without compression: frames are shared by all."""

    max_size = MAX_MESSAGE
    max_buffer = MAX_BUFFER

    # What each delivery looks at lies in the object itself: to look into the dictionaries of a thousand sockets takes longer.
    __slots__ = ("_soon", "_soon_size", "close_sent", "disconnected", "handshake_complete", "transport")

    _full: ClassVar[list["FastWebSocketProtocol"]] = []  # those with something to write at the end of the turn
    _take: Take | None = None
    _is_framing = False  # whether the handshake is over, and we cut the frames
    _rest: bytearray | None = None  # the beginning of a frame; before the next turn whole frames, too
    _next_turn: asyncio.Handle | None = None  # when more frames are taken; None: at once
    _is_deaf = False  # whether we stopped reading
    _slices: Slices | None = None
    owner: Hashable = None  # whose frames share a slice of each turn

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._soon: list[bytes] | None = None
        self._soon_size = 0
        self.handshake_complete = self.close_sent = self.disconnected = False
        self.transport = None  # type: ignore[assignment]  # until there is one
        super().__init__(*args, **kwargs)

    def begin(self, http: HttpToolsProtocol, offer: Offer) -> None:
        super().begin(http, offer)
        self._is_framing = True

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

    def connection_lost(self, exc: Exception | None) -> None:
        if self._next_turn is not None:
            self._next_turn.cancel()
        super().connection_lost(exc)

    def rest(self, seconds: float) -> None:
        if self._next_turn is not None:
            self._next_turn.cancel()
        self._next_turn = self.loop.call_later(seconds, self._go_on) if seconds else self.loop.call_soon(self._go_on)
        if seconds:
            self._stop_reading()

    def _stop_reading(self) -> None:
        if not self.transport.is_closing():
            self._is_deaf = True
            self.transport.pause_reading()

    def _go_on(self) -> None:
        self._next_turn = None
        if self.transport.is_closing():
            return
        if self._is_deaf and not self.read_paused:
            self.transport.resume_reading()
        self._is_deaf = False
        self._cut(b"")

    def _keep(self, data: bytes | bytearray) -> None:
        """For the next turn."""
        self._rest = bytearray(data) if self._rest is None else self._rest + data
        if len(self._rest) > MOST_KEPT:
            self._stop_reading()

    def _cut(self, data: bytes | bytearray) -> None:
        if self._next_turn is not None:
            return self._keep(data)
        if self._rest is not None:
            self._rest += data
            data, self._rest = self._rest, None
        self._cut_whole(data)
        return None

    def _cut_whole(self, data: bytes | bytearray) -> None:
        """As long as frames are whole and this socket and its owner have time in this turn."""
        slices = self._slices or self._slices_of_loop()
        most, began = slices.left(self.owner), slices.clock()
        at, size, left = 0, len(data), MOST_IN_A_TURN
        while size - at >= 2 and (end := end_of(data, at, size)) <= size and not self.transport.is_closing():
            if not left or slices.clock() - began >= most:
                self.rest(0)
            if self._next_turn is not None:
                break
            left -= 1
            self._take_frame(data, at, end)
            at = end
        slices.spend(self.owner, slices.clock() - began)
        if at < size:
            (self._keep if self._next_turn is not None else self._keep_beginning)(data[at:])

    def _slices_of_loop(self) -> Slices:
        self._slices = slices_of(self.loop)
        return self._slices

    def _keep_beginning(self, data: bytes | bytearray) -> None:
        """Of a frame."""
        self._rest = bytearray(data)
        if len(data) >= 2 and not may_become_whole(self._rest):
            self._is_framing = False  # nothing to wait for: the parent ends it by its head
            super().data_received(bytes(self._rest))

    def _take_frame(self, data: bytes | bytearray, at: int, end: int) -> None:
        head = 6 if data[at + 1] < 0xFE else 8
        if data[at] == 0x81 and 0x80 <= data[at + 1] < 0xFF and self._may_take():
            self._take_text(data, at, at + head, end)
        else:
            super().data_received(bytes(data[at:end]))

    def _may_take(self) -> bool:
        return not self.close_sent and not self.disconnected and (self._conn is None or self._conn.current_size is None)

    def _take_text(self, data: bytes | bytearray, at: int, start: int, end: int) -> None:
        try:
            text = apply_mask(data[start:end], data[start - 4 : start]).decode()
        except UnicodeDecodeError:
            super().data_received(bytes(data[at:end]))
        else:
            (self._take or self.keep)(text)

    def send_receive_event_to_app(self) -> None:
        """As the parent does; but text that is no UTF-8 ends the socket (1007) without a traceback for what a peer did."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not is_utf8(self.frames):
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

    @property
    def unsent(self) -> int:
        return self.transport.get_write_buffer_size() + self._soon_size

    def abort(self) -> None:
        if not self.disconnected:
            self.transport.abort()


def _flush_all(full: list[FastWebSocketProtocol]) -> None:
    """At the end of the turn."""
    ready = full[:]
    full.clear()
    for protocol in ready:
        protocol.flush()


def check() -> None:
    """Raise `RuntimeError` where the server library is not the one that this module was written for."""
    source = inspect.getsource(WebSocketsSansIOProtocol)
    for needed in NEEDED:
        if needed not in source:
            raise RuntimeError(f"uvicorn's sans-IO protocol has no {needed!r}; saas/core/fastsocket.py must be read again")
    for needed in NEEDED_BELOW:
        if needed not in inspect.getsource(WebSocketsProtocol):
            raise RuntimeError(f"the parser of websockets has no {needed!r}; saas/core/fastsocket.py must be read again")
    check_defaults()
    for size in (0, 125, 126, 65_535, 65_536):
        if Frame(Opcode.TEXT, b"x" * size).serialize(mask=False) != frame(b"x" * size):
            raise RuntimeError(f"a text frame of {size} bytes differs from what websockets writes")
