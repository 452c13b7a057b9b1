"""The short way into a socket and the long one: the same answers, and what is not plain is the library's to judge."""

import asyncio
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode

from saas.core.fastsocket import FastWebSocketProtocol
from saas.core.handshake import MOST_HEADERS, HttpProtocol, Unread, check_defaults, read_offer
from saas.core.rawtext import EXTENSION

KEY = (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")
PLAIN = [
    (b"host", b"acme.example"),
    (b"upgrade", b"websocket"),
    (b"connection", b"Upgrade"),
    KEY,
    (b"sec-websocket-version", b"13"),
]
PROOF = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, section 1.3


class Transport:
    """A connection from 192.0.2.7, and what was written to it."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False
        self.protocol: Any = None
        self.is_reading = True

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def get_extra_info(self, name: str) -> Any:
        return {"peername": ("192.0.2.7", 5), "sockname": ("192.0.2.1", 80)}.get(name)

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True


class Served:
    """One connection to an application that accepts, says what it hears, and keeps its scope."""

    def __init__(self, answer: dict[str, Any] | None = None) -> None:
        self.scope: dict[str, Any] = {}
        self.heard: list[Any] = []
        self.transport = Transport()
        self._answer = answer or {"type": "websocket.accept"}
        config = Config(self._app, lifespan="off", interface="asgi3", http=HttpProtocol, ws=FastWebSocketProtocol)
        config.load()
        self.http = HttpProtocol(config, ServerState(), {})
        self.transport.protocol = self.http
        self.http.connection_made(self.transport)  # type: ignore[arg-type]

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        await receive()
        await send(self._answer)
        while True:
            self.heard.append(await receive())

    async def feed(self, data: bytes) -> None:
        self.transport.protocol.data_received(data)
        for _ in range(5):
            await asyncio.sleep(0)

    @property
    def socket(self) -> FastWebSocketProtocol:
        assert isinstance(self.transport.protocol, FastWebSocketProtocol)
        return self.transport.protocol


def request(headers: list[tuple[bytes, bytes]], line: bytes = b"GET /ws/%41?q=1 HTTP/1.1") -> bytes:
    return b"\r\n".join([line, *(name + b": " + value for name, value in headers), b"", b""])


def head(answer: bytes) -> tuple[bytes, set[bytes]]:
    """The status line and the header lines, with names in lower case."""
    first, *lines = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")
    return first, {name.lower() + b":" + value for name, _, value in (line.partition(b":") for line in lines)}


def went_short(served: Served) -> bool:
    """Whether the library read nothing."""
    return served.socket._conn is None


@pytest.mark.parametrize("connection", [b"Upgrade", b"keep-alive, Upgrade", b"upgrade"])
async def test_a_plain_request_is_answered_as_the_library_answers_it(connection: bytes) -> None:
    headers = [one if one[0] != b"connection" else (one[0], connection) for one in PLAIN]
    headers += [
        (b"origin", b"http://acme.example"),
        (b"sec-websocket-protocol", b"one, two"),
        (b"sec-websocket-protocol", b"three"),
    ]
    accept = {"type": "websocket.accept", "subprotocol": "two", "headers": [(b"x-one", b"1")]}
    short, long = Served(accept), Served(accept)
    await short.feed(request(headers))
    await long.feed(request([*headers, (b"expect", b"nothing")]))  # one that is not plain
    assert went_short(short)
    assert not went_short(long)
    assert head(short.transport.written) == head(long.transport.written)
    assert b"sec-websocket-accept: " + PROOF in head(short.transport.written)[1]
    assert not short.transport.closed
    for scope in (short.scope, long.scope):
        assert scope.pop("extensions").keys() == {"websocket.http.response", EXTENSION}
        scope["headers"] = [one for one in scope["headers"] if one[0] != b"expect"]
    assert short.scope == long.scope
    assert short.scope["path"] == "/ws/A"
    assert short.scope["client"] == ("192.0.2.7", 5)


@pytest.mark.parametrize(
    ("headers", "line", "status"),
    [
        ([one for one in PLAIN if one != KEY], None, b"400"),
        ([*PLAIN, KEY], None, b"400"),
        ([*PLAIN[:3], (KEY[0], b"dGhlIHNhbXBsZSBub25jZQ"), PLAIN[4]], None, b"400"),
        ([*PLAIN[:3], (KEY[0], b"dGhlIHNhbXBsZSBub25jZ==="), PLAIN[4]], None, b"400"),
        ([*PLAIN[:4], (b"sec-websocket-version", b"8")], None, b"400"),
        ([*PLAIN, (b"origin", b"a"), (b"origin", b"b")], None, b"400"),
        ([*PLAIN, *[(b"x-%d" % number, b"") for number in range(200)]], None, b"400"),
        (PLAIN, b"POST /ws/ HTTP/1.1", b"405"),
    ],
    ids=["no key", "two keys", "a short key", "no base64", "an old version", "two origins", "too many headers", "a POST"],
)
async def test_what_is_not_plain_is_judged_by_the_library(
    headers: list[tuple[bytes, bytes]], line: bytes | None, status: bytes
) -> None:
    served = Served()
    await served.feed(request(headers, *([line] if line else [])))
    assert served.transport.written.startswith(b"HTTP/1.1 " + status)
    assert served.transport.closed
    assert not served.scope


def test_what_may_hide_a_body_or_is_very_long_is_not_plain() -> None:
    assert read_offer(PLAIN)
    for odd in [(b"content-length", b"1"), (b"transfer-encoding", b"chunked"), (b"x", b"y" * 5_000), (b"host", b"other.example")]:
        assert read_offer([*PLAIN, odd]) is None
    assert read_offer([*PLAIN, *[(b"x", b"")] * MOST_HEADERS]) is None


async def test_pings_fragments_and_the_end_after_the_short_way() -> None:
    served = Served()
    await served.feed(request(PLAIN))
    served.transport.written = b""
    await served.feed(Frame(Opcode.PING, b"?").serialize(mask=True) + Frame(Opcode.TEXT, b"on", fin=False).serialize(mask=True))
    await served.feed(Frame(Opcode.CONT, b"e").serialize(mask=True) + Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=True))
    assert served.heard == [
        {"type": "websocket.receive", "text": "one"},
        {"type": "websocket.disconnect", "code": 1000, "reason": ""},
    ]
    ends = [Frame(Opcode.PONG, b"?"), Frame(Opcode.CLOSE, b"\x03\xe8")]
    assert served.transport.written == b"".join(one.serialize(mask=False) for one in ends)
    assert served.transport.closed


async def test_what_comes_before_the_answer_is_kept() -> None:
    served = Served()
    served.transport.protocol.data_received(request(PLAIN))
    served.transport.protocol.data_received(Frame(Opcode.TEXT, b"early").serialize(mask=True))
    for _ in range(5):
        await asyncio.sleep(0)
    assert served.heard == [{"type": "websocket.receive", "text": "early"}]


async def test_who_receives_slowly_is_not_read_further() -> None:
    served = Served()
    text = Frame(Opcode.TEXT, b"one").serialize(mask=True)
    served.transport.protocol.data_received(request(PLAIN))
    assert await served.socket.receive() == {"type": "websocket.connect"}
    for is_reading in (True, False, False):
        served.socket.data_received(text)
        assert served.transport.is_reading is is_reading
    for is_reading in (False, False, True):
        assert await served.socket.receive() == {"type": "websocket.receive", "text": "one"}
        assert served.transport.is_reading is is_reading


@pytest.mark.parametrize("is_over", [False, True], ids=["while it is shut down", "after it went"])
async def test_an_end_before_the_answer(is_over: bool) -> None:
    served = Served()
    served.transport.protocol.data_received(request(PLAIN))
    if is_over:
        served.socket.connection_lost(None)
    else:
        served.socket.shutdown()
    for _ in range(5):
        await asyncio.sleep(0)
    assert served.transport.closed
    assert b"101" not in served.transport.written
    assert served.transport.written.startswith(b"" if is_over else b"HTTP/1.1 500")


async def test_a_refusal_instead_of_an_answer() -> None:
    served = Served({"type": "websocket.close"})
    await served.feed(request(PLAIN))
    assert served.transport.written.startswith(b"HTTP/1.1 403")
    assert served.transport.closed


async def test_what_was_not_received_waits_in_order_for_a_reader_who_may_give_up() -> None:
    unread = Unread()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(unread.get(), 0.01)
    for number in range(3):
        unread.put_nowait(number)
    assert [await unread.get() for _ in range(3)] == [0, 1, 2]
    assert unread.empty()
    waiting = asyncio.create_task(unread.get())
    await asyncio.sleep(0)
    unread.put_nowait("late")
    assert await waiting == "late"


def test_an_unknown_beginning_of_uvicorns_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    check_defaults()
    monkeypatch.setattr("saas.core.handshake.LeanWebSocketProtocol.close_timeout", 11.0)
    with pytest.raises(RuntimeError, match="close_timeout"):
        check_defaults()


async def test_who_has_ended_is_held_by_its_scope_no_more() -> None:
    """Else the two would hold each other until the collector of garbage found them."""
    served = Served()
    await served.feed(request(PLAIN))
    assert served.scope["extensions"][EXTENSION] is served.socket
    served.socket.connection_lost(None)
    assert EXTENSION not in served.scope["extensions"]
    await asyncio.sleep(0)
    assert served.heard[-1]["type"] == "websocket.disconnect"
