"""The handshake of a WebSocket, in as few steps as it takes: every socket that opens pays for it.

uvicorn reads the request as HTTP, writes it out again, and has the WebSocket library read it a second time and decide. Here a
request in plain words, as browsers and libraries make it, is decided on where it was read; any other goes the long way. And a
socket has a parser of the library only when something comes for it: a ping, a close, a fragment.

`HttpProtocol` is uvicorn's of httptools, for `uvicorn.Config(http=...)`; `LeanWebSocketProtocol` is the base of `fastsocket`'s.
"""

import asyncio
import binascii
import logging
from base64 import b64encode
from hashlib import sha1
from types import SimpleNamespace
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected, get_local_addr, get_remote_addr, is_ssl
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from saas.core.rawtext import EXTENSION

Headers = list[tuple[bytes, bytes]]

MOST_HEADERS: Final = 100  # and bytes of one: with more, or longer ones, the library decides what is too much
LONGEST: Final = 4_096
MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
UPGRADES: Final = frozenset({b"upgrade", b"keep-alive, upgrade"})  # `Connection` of a browser
ALONE: Final = frozenset({b"host", b"origin", b"connection", b"upgrade", b"sec-websocket-key", b"sec-websocket-version"})
A_BODY: Final = frozenset({b"content-length", b"transfer-encoding", b"expect"})
SWITCHING: Final = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: "


class Offer(NamedTuple):
    """What a plain request for a socket says."""

    key: bytes
    subprotocols: list[str]


def read_offer(headers: Headers) -> Offer | None:
    """The offer in these headers, whose names are in lower case; None where the library has to look closely."""
    said: dict[bytes, bytes] = {}
    subprotocols: list[str] = []
    for name, value in headers:
        if len(value) > LONGEST or name in A_BODY or (name in ALONE and name in said):
            return None
        if name == b"sec-websocket-protocol":
            subprotocols += [token.strip() for token in value.decode("latin-1").split(",")]
        said[name] = value
    is_plain = (
        len(headers) <= MOST_HEADERS
        and said.get(b"upgrade", b"").lower() == b"websocket"
        and said.get(b"connection", b"").lower() in UPGRADES
        and said.get(b"sec-websocket-version") == b"13"
    )
    key = said.get(b"sec-websocket-key", b"")
    return Offer(key, subprotocols) if is_plain and _is_key(key) else None


def _is_key(key: bytes) -> bool:
    """16 bytes as base64."""
    try:
        return len(key) == 24 and len(binascii.a2b_base64(key, strict_mode=True)) == 16
    except ValueError:
        return False


def accept_of(key: bytes) -> bytes:
    """What proves that the key was read by a server of WebSockets. (RFC 6455, section 4.2.2.)"""
    return b64encode(sha1(key + MAGIC, usedforsecurity=False).digest())


def address(transport: Any, name: str) -> tuple[str, int] | None:
    """The `sockname` or `peername` that the transport keeps: its socket would have to be made, and ask the system."""
    found = transport.get_extra_info(name)
    return (str(found[0]), int(found[1])) if isinstance(found, tuple) else None


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, which hands a connection on to a socket's protocol without writing its request out."""

    _upgrade: tuple[Headers | None, bytes | None] = (None, None)  # of these headers

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the parent
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        self.server = address(transport, "sockname") or get_local_addr(transport)
        self.client = address(transport, "peername") or get_remote_addr(transport)
        self.scheme = "https" if is_ssl(transport) else "http"

    def _get_upgrade(self) -> bytes | None:
        """The parent asks three times for one request."""
        if self._upgrade[0] is not self.headers:
            self._upgrade = (self.headers, super()._get_upgrade())
        return self._upgrade[1]

    def handle_websocket_upgrade(self) -> None:
        kind, offer = self.ws_protocol_class, self._offer()
        if offer is None or kind is None or not issubclass(kind, LeanWebSocketProtocol):
            super().handle_websocket_upgrade()
        else:
            self.connections.discard(self)
            protocol = kind(self.config, self.server_state, self.app_state)
            self.transport.set_protocol(protocol)
            protocol.begin(self, offer)
        self.parser = None  # type: ignore[assignment]  # they hold each other, and nobody but the collector would part them

    def _offer(self) -> Offer | None:
        is_plain = self.scope["method"] == "GET" and self.scope["http_version"] == "1.1" and len(self.url) <= LONGEST
        return read_offer(self.headers) if is_plain and self.url.isascii() else None


class Unread:
    """What has come and was not received yet: as much of `asyncio.Queue` as one reader at a time needs, and small."""

    __slots__ = ("_items", "_reader")

    def __init__(self) -> None:
        self._items: list[Any] = []
        self._reader: asyncio.Future[None] | None = None

    def put_nowait(self, item: Any) -> None:
        self._items.append(item)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def empty(self) -> bool:
        return not self._items

    async def get(self) -> Any:
        while not self._items:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._items.pop(0)


WRITABLE: Final = asyncio.Event()  # of every socket whose transport takes more
WRITABLE.set()


class LeanWebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol, which has what every socket needs from the start, and all else when it is needed."""

    transport: asyncio.Transport = None  # type: ignore[assignment]
    server: tuple[str, int | None] | None = None
    client: tuple[str, int] | None = None
    scheme: Any = None
    handshake_initiated = handshake_complete = close_sent = disconnected = read_paused = False
    close_timer = initial_response = ping_timer = pong_timer = pending_ping_payload = None
    close_timeout = 10.0
    ping_interval = ping_timeout = None  # the application's own pings carry heads
    ping_sent_at = last_ping_rtt = 0.0
    curr_msg_data_type: Any = "bytes"
    logger = logging.getLogger("uvicorn.error")
    max_size = 1 << 20  # bytes of a message

    _accept: bytes | None = None  # the proof that an accepted socket is answered with
    _conn: ServerProtocol | None = None

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: Any = None) -> None:
        """As the parent does, whose defaults are the class's here. `check` compares the two."""
        if not config.loaded:
            config.load()
        self.config = config
        self.app = config.loaded_app
        self.loop = _loop or asyncio.get_event_loop()
        self.root_path, self.asgi_version, self.app_state = config.root_path, config.asgi_version, app_state
        self.connections, self.tasks = server_state.connections, server_state.tasks
        self.default_headers = server_state.default_headers
        self.queue: Any = Unread()
        self.writable = WRITABLE
        self.frames = []

    @property
    def conn(self) -> ServerProtocol:  # type: ignore[override]
        """The library's side of the connection, which stands at the beginning of a frame."""
        if self._conn is None:
            self._conn = self._parser(State.OPEN)
        return self._conn

    def _parser(self, state: State) -> ServerProtocol:
        return ServerProtocol(extensions=[], state=state, max_size=self.max_size, logger=self.logger)

    def connection_made(self, transport: Any) -> None:
        """The long way: the library reads the request."""
        self._conn = self._parser(State.CONNECTING)
        super().connection_made(transport)

    def begin(self, http: HttpToolsProtocol, offer: Offer) -> None:
        """The short way: the request has been read, and makes this offer."""
        self.connections.add(self)
        self.transport, self.server, self.client = http.transport, http.server, http.client
        self.scheme = "wss" if http.scheme == "https" else "ws"
        self.handshake_initiated = True
        self._accept = accept_of(offer.key)
        self.scope = self._scope(http, offer)
        self.queue.put_nowait({"type": "websocket.connect"})
        task = self.loop.create_task(self.run_asgi())
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)  # makes self.scope and the application's task, which has not run yet
        if getattr(self, "scope", None) is not None:
            extensions: dict[str, object] = self.scope["extensions"]  # type: ignore[assignment]
            extensions[EXTENSION] = self

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        scope = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"].pop(EXTENSION, None)  # it holds us: who has ended is to be freed at once, not found as garbage

    def keep(self, text: str) -> None:
        """A text for who receives; while one waits already, no more is read."""
        if not self.read_paused and not self.queue.empty():
            self.read_paused = True
            self.transport.pause_reading()
        self.queue.put_nowait({"type": "websocket.receive", "text": text})

    def _scope(self, http: HttpToolsProtocol, offer: Offer) -> Any:
        raw_path, _, query_string = http.url.partition(b"?")
        path = raw_path.decode("ascii")
        return {
            "type": "websocket",
            "asgi": {"version": self.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": self.scheme,
            "server": self.server,
            "client": self.client,
            "root_path": self.root_path,
            "path": self.root_path + (unquote(path) if "%" in path else path),
            "raw_path": self.root_path.encode("ascii") + raw_path,
            "query_string": query_string,
            "headers": http.headers,
            "subprotocols": offer.subprotocols,
            "state": self.app_state.copy(),
            "extensions": {"websocket.http.response": {}, EXTENSION: self},
        }

    async def send(self, message: Any) -> None:
        if self._accept is None or message["type"] != "websocket.accept":
            return await super().send(message)
        if self.disconnected:
            raise ClientDisconnected
        if not self.transport.is_closing():
            self.handshake_complete = True
            self.transport.write(self._answer(self._accept, message))
        self._accept = None
        return None

    def _answer(self, proof: bytes, message: Any) -> bytes:
        headers = [*self.default_headers, *message.get("headers", ())]
        if subprotocol := message.get("subprotocol"):
            headers.append((b"sec-websocket-protocol", subprotocol.encode("latin-1")))
        return SWITCHING + proof + b"".join([b"\r\n" + name + b": " + value for name, value in headers]) + b"\r\n\r\n"

    def pause_writing(self) -> None:
        self.writable = asyncio.Event()

    def resume_writing(self) -> None:
        self.writable.set()
        self.writable = WRITABLE


def check_defaults() -> None:
    """Raise `RuntimeError` unless the lean protocol begins as uvicorn's own does."""
    config = SimpleNamespace(
        loaded=True,
        loaded_app=None,
        root_path="",
        asgi_version="3.0",
        ws_per_message_deflate=False,
        ws_max_size=LeanWebSocketProtocol.max_size,
        ws_ping_interval=None,
        ws_ping_timeout=None,
    )
    made = [kind(config, ServerState(), {}, object()) for kind in (WebSocketsSansIOProtocol, LeanWebSocketProtocol)]  # type: ignore[arg-type]
    for name, value in vars(made[0]).items():
        if not hasattr(made[1], name):
            raise RuntimeError(f"uvicorn's sans-IO protocol begins with {name!r}; saas/core/handshake.py must be read again")
        if isinstance(value, bool | float | str | None) and getattr(made[1], name) != value:
            raise RuntimeError(f"uvicorn's {name!r} begins as {value!r}; saas/core/handshake.py must be read again")
