"""Frames in pieces: whatever the cuts between two reads, the texts are the same, and what is no text goes to the parser."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode

from saas.core import parts
from saas.core.fastsocket import MAX_BUFFER, MOST_IN_A_TURN, FastWebSocketProtocol, check, frame
from saas.core.ratelimit import Limit
from saas.core.rawtext import MAX_MESSAGE
from saas.core.slices import SLICE, Slices

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Transport:
    """What was written, and how often."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = self.aborted = False
        self.waiting = 0
        self.is_reading = True

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def get_extra_info(self, _name: str) -> None:
        return None

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True


class Peer:
    """A socket after its handshake, with every text taken at once. Time passes for it only where a test lets it."""

    def __init__(self, protocol: FastWebSocketProtocol, transport: Transport, slices: Slices) -> None:
        self.protocol, self.transport = protocol, transport
        self.texts: list[str] = []
        protocol._slices = slices
        assert protocol.hand_over(self.texts.append)


async def application(_scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await asyncio.get_running_loop().create_future()


class Clock:
    """Stands still."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def opened(slices: Slices) -> Peer:
    config = Config(application, lifespan="off")
    config.load()
    protocol, transport = FastWebSocketProtocol(config, ServerState(), {}), Transport()
    protocol.connection_made(transport)
    protocol.data_received(HANDSHAKE)
    while not protocol.handshake_complete:
        await asyncio.sleep(0)
    transport.written.clear()
    return Peer(protocol, transport, slices)


@pytest.fixture
async def peer() -> Peer:
    return await opened(Slices(asyncio.get_running_loop(), Clock()))


def client(data: bytes, opcode: Opcode = Opcode.TEXT, *, fin: bool = True) -> bytes:
    """A frame from a client: masked."""
    return Frame(opcode, data, fin).serialize(mask=True)


TEXTS = ["", "a", "x" * 125, "y" * 126, "ü" * 40_000, "z" * 200, "last"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 130, 4_096, 10**6])
async def test_every_cut_gives_the_same_texts(peer: Peer, size: int) -> None:
    stream = b"".join(client(text.encode()) for text in TEXTS)
    for start in range(0, len(stream), size):
        peer.protocol.data_received(stream[start : start + size])
    assert peer.texts == TEXTS
    assert not peer.transport.closed


async def test_fragments_and_pings_between_texts(peer: Peer) -> None:
    parts = [
        client(b"one"),
        client(b"t", fin=False),
        client(b"ping", Opcode.PING),
        client(b"wo", Opcode.CONT),
        client(b"three"),
    ]
    peer.protocol.data_received(b"".join(parts))
    assert peer.texts == ["one", "two", "three"]
    assert peer.transport.written == [Frame(Opcode.PONG, b"ping").serialize(mask=False)]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (client(b"t", fin=False) + client(b"a new text inside of another"), 1002),
        (client(b"\xff\xfe"), 1007),
        (client(b"t", fin=False) + client(b"\xff", Opcode.CONT), 1007),
        (Frame(Opcode.TEXT, b"no mask").serialize(mask=False), 1002),
        (b"\xc1" + client(b"reserved bit")[1:], 1002),
        (client(b"x" * (MAX_MESSAGE + 1))[:100], 1009),
        (b"GET / HTTP/1.1\r\n\r\n", 1002),
    ],
    ids=["a text inside of another", "no UTF-8", "no UTF-8 later on", "no mask", "a reserved bit", "too large", "no frame"],
)
async def test_what_is_malformed_ends_the_socket(peer: Peer, bad: bytes, code: int) -> None:
    peer.protocol.data_received(client(b"fine") + bad + client(b"too late"))
    assert peer.texts == ["fine"]
    assert peer.transport.closed
    assert Frame(Opcode.CLOSE, code.to_bytes(2, "big")).serialize(mask=False)[2:] in b"".join(peer.transport.written)


async def test_nothing_is_taken_after_our_close(peer: Peer) -> None:
    await peer.protocol.send({"type": "websocket.close", "code": 4400})
    peer.protocol.data_received(client(b"too late"))
    assert peer.texts == []


async def test_binary_is_left_to_receive(peer: Peer) -> None:
    peer.protocol.data_received(client(b"\x00", Opcode.BINARY) + client(b"text"))
    assert await peer.protocol.receive() == {"type": "websocket.receive", "bytes": b"\x00"}
    assert peer.texts == ["text"]


async def test_texts_that_came_before_are_received_first(peer: Peer) -> None:
    peer.protocol.hand_over(None)
    peer.protocol.data_received(client(b"early"))
    assert not peer.protocol.hand_over(peer.texts.append)
    assert await peer.protocol.receive() == {"type": "websocket.receive", "text": "early"}
    assert peer.protocol.hand_over(peer.texts.append)


async def test_what_is_said_in_one_turn_is_one_write_in_order(peer: Peer) -> None:
    first, second, third = (frame(text) for text in (b"1", b"2", b"3"))
    assert peer.protocol.write_soon(first)
    assert peer.protocol.write_soon(second)
    assert peer.transport.written == []
    assert peer.protocol.write(third)
    assert peer.transport.written == [first + second + third]
    peer.protocol.write_soon(first)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert peer.transport.written[1:] == [first]


async def test_a_slow_reader_is_refused_whatever_the_way(peer: Peer) -> None:
    half = frame(b"x" * (MAX_BUFFER // 2))
    assert peer.protocol.write_soon(half)
    assert not peer.protocol.write_soon(half), "what waits for the end of the turn counts"
    peer.transport.waiting = MAX_BUFFER
    assert not peer.protocol.write(frame(b"x"))
    assert not peer.protocol.write_soon(frame(b"x"))


@pytest.mark.parametrize(("waiting", "is_cut"), [(MAX_BUFFER, False), (MAX_BUFFER + 1, True)])
async def test_one_who_pings_and_reads_nothing_is_cut(peer: Peer, waiting: int, is_cut: bool) -> None:
    peer.transport.waiting = waiting
    peer.protocol.data_received(client(b"ping", Opcode.PING) * 2 + client(b"after them"))
    assert peer.transport.aborted is is_cut
    assert len(peer.transport.written) == (0 if is_cut else 2)
    assert peer.texts == ([] if is_cut else ["after them"])


@pytest.mark.parametrize(
    ("part", "first"),
    [
        (client(b"ping", Opcode.PING), b""),
        (client(b"pong", Opcode.PONG), b""),
        (client(b"", Opcode.CONT, fin=False), client(b"t", fin=False)),
    ],
    ids=["pings", "pongs", "parts of a message"],
)
async def test_frames_that_say_nothing_are_read_no_faster_than_so_many(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, part: bytes, first: bytes
) -> None:
    monkeypatch.setattr(parts, "most_of_parts", lambda: Limit("socket.test", 3, 600, "socket"))
    peer.protocol.data_received(first + part * 3)
    before = peer.transport.is_reading
    peer.protocol.data_received(part * 2)
    assert (before, peer.transport.is_reading) == (True, False)
    assert bytes(peer.protocol._rest or b"") == part, "the fifth waits"


def test_the_libraries_are_those_that_it_was_written_for() -> None:
    check()


async def test_a_flood_in_one_read_is_taken_in_turns(peer: Peer) -> None:
    """Between two turns of a socket the others are looked at."""
    sent = [str(number) for number in range(1_000)]
    peer.protocol.data_received(b"".join(client(text.encode()) for text in sent[:990]))
    turns = []
    for _ in range(20):
        turns.append(len(peer.texts))
        peer.protocol.data_received(client(sent[990 + len(turns) - 1].encode()) if len(turns) <= 10 else b"")
        await asyncio.sleep(0)
    assert turns[0] == MOST_IN_A_TURN
    assert max(after - before for before, after in pairwise(turns)) <= MOST_IN_A_TURN
    assert peer.texts == sent


async def test_sockets_of_one_owner_share_a_slice_of_each_turn() -> None:
    """However many sockets an owner has, another's frames wait no longer."""
    clock = Clock()
    slices = Slices(asyncio.get_running_loop(), clock)
    first, second, other = peers = [await opened(slices) for _ in range(3)]
    for one, owner in zip(peers, ("noisy", "noisy", "quiet"), strict=True):

        def take(text: str, one: Peer = one) -> None:
            one.texts.append(text)
            clock.now += SLICE / 4

        one.protocol.owner = owner
        one.protocol.hand_over(take)
    sent = [str(number) for number in range(10)]
    for one in peers:
        one.protocol.data_received(b"".join(client(text.encode()) for text in sent))
    assert [len(one.texts) for one in peers] == [4, 0, 4]
    before = [len(one.texts) for one in peers]
    while first.texts != sent or second.texts != sent or other.texts != sent:
        await asyncio.sleep(0)
        after = [len(one.texts) for one in peers]
        assert sum(after[:2]) - sum(before[:2]) <= 4
        before = after


async def test_a_socket_that_rests_is_not_read_and_loses_nothing(peer: Peer) -> None:
    sent = [str(number) for number in range(10)]
    taken: list[str] = []

    def take(text: str) -> None:
        taken.append(text)
        if text == "3":
            peer.protocol.rest(0.02)

    peer.protocol.hand_over(take)
    peer.protocol.data_received(b"".join(client(text.encode()) for text in sent[:8]))
    assert (taken, peer.transport.is_reading) == (sent[:4], False)
    peer.protocol.data_received(b"".join(client(text.encode()) for text in sent[8:]))  # it was on its way
    await asyncio.sleep(0)
    assert taken == sent[:4]
    while not peer.transport.is_reading:
        await asyncio.sleep(0.005)
    assert taken == sent


async def test_what_comes_faster_than_it_is_taken_is_not_read(peer: Peer) -> None:
    text = "x" * 1_000
    for _ in range(2):
        peer.protocol.data_received(client(text.encode()) * 120)
    assert (len(peer.texts), peer.transport.is_reading) == (MOST_IN_A_TURN, False)
    while len(peer.texts) < 240:
        await asyncio.sleep(0)
    assert peer.transport.is_reading


async def test_a_rest_may_be_ended(peer: Peer) -> None:
    peer.protocol.rest(60)
    peer.protocol.data_received(client(b"kept"))
    assert peer.texts == []
    peer.protocol.rest(0)
    await asyncio.sleep(0)
    assert (peer.texts, peer.transport.is_reading) == (["kept"], True)
