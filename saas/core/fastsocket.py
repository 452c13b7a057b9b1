"""The fast way out of a WebSocket: frames made once for everyone, written to each socket's transport.

`FastWebSocketProtocol` is uvicorn's sans-IO protocol with one ASGI extension, `scope["extensions"]["porchlight.raw_text"]`: a
`RawText`, through which an application may write a whole, already framed text message. A frame from a server carries no mask and,
with compression off, is the same bytes for every reader. Ordinary `send` keeps working beside it and in order.

Used as `uvicorn --ws saas.core.fastsocket:FastWebSocketProtocol`. `check()` compares at start-up what the class leans on.
"""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request

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
)


class RawText(Protocol):
    """What the extension offers."""

    def write(self, framed: bytes) -> bool:
        """Write one framed text message. False: the socket is not open, or its peer reads too slowly."""
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
    """uvicorn's WebSocket protocol, with the raw way out and without compression."""

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
        """As the parent does; but a handshake that cannot be read (a header beyond the limits) is answered, not held open."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.transport.close()

    def send_receive_event_to_app(self) -> None:
        """As the parent does; but text that is no UTF-8 ends the socket (1007) without a traceback for what a peer did."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_utf8(self.frames):
            self.frames = []
            self.conn.send_close(1007)
            return self.handle_parser_exception()
        return super().send_receive_event_to_app()

    def write(self, framed: bytes) -> bool:
        transport = self.transport
        if not self.handshake_complete or self.close_sent or self.disconnected or transport.is_closing():
            return False
        if transport.get_write_buffer_size() + len(framed) > MAX_BUFFER:
            return False
        transport.write(framed)
        return True

    def abort(self) -> None:
        if not self.disconnected:
            self.transport.abort()


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
    for size in (0, 125, 126, 65_535, 65_536):
        if Frame(Opcode.TEXT, b"x" * size).serialize(mask=False) != frame(b"x" * size):
            raise RuntimeError(f"a text frame of {size} bytes differs from what websockets writes")
