"""How a server ends, in good order and in bad, and what readers who do not read cost the others."""

import asyncio
import socket as raw
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.server import Server, running
from tests.support.sockets import ChatSocket, Doors, agent_token, key_of
from tests.support.stored import is_gapless, stored

pytestmark = pytest.mark.xdist_group("realtime-endings")


@pytest.fixture
def own(cast: dict[str, TenantRef], acme: TenantRef) -> Iterator[Server]:
    """A server of this test alone, which may end it."""
    key_of(acme)
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def shared(cast: dict[str, TenantRef], acme: TenantRef) -> Iterator[Server]:
    key_of(acme)
    with running() as server:
        yield server


async def flood(socket: ChatSocket, room: UUID, *, after: int = 0) -> None:
    """Send lines until the other end is gone."""
    for n in range(after, after + 5_000):
        if socket.code is not None:
            return
        await socket.say("send", cid=uuid4(), room=room, text=f"line {n}")
        await asyncio.sleep(0.002)  # an agent's limit is 200 a second in the long run


async def lost_of(socket: ChatSocket, tenant: TenantRef, room: UUID) -> set[str]:
    """The cids that were acknowledged and are not in the database."""
    acked = {one["cid"] for one in socket.came("ack")}
    lines = await stored(tenant, room)
    assert is_gapless([line.seq for line in lines])
    assert len({line.cid for line in lines}) == len(lines)
    return acked - {str(line.cid) for line in lines}


class TestDrain:
    async def test_everyone_is_told_and_nothing_acknowledged_is_lost(
        self, own: Server, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        doors = Doors(own)
        async with doors.agent(acme, agent_ben) as inbox, doors.visitor(acme, vic) as widget:
            await widget.join(room)
            sending = asyncio.create_task(flood(inbox, room))
            await widget.expect("msg", seq=30)
            own.terminate()
            for socket in (inbox, widget):
                bye = await socket.expect("bye")
                assert bye["code"] == 1012
                assert 2_000 <= bye["after"] <= 40_000  # nobody else serves meanwhile
                await socket.expect_close(1012)
            await sending
            assert await asyncio.to_thread(own.wait) == 0
            assert len(inbox.came("ack")) >= 28
            assert await lost_of(inbox, acme, room) == set()
        assert own.complaints() == []

    async def test_it_is_not_ready_from_then_on_and_takes_nobody_new(self, own: Server, acme: TenantRef, vic: Principal) -> None:
        doors = Doors(own)
        async with doors.visitor(acme, vic) as widget:
            own.terminate()
            await widget.expect("bye")
            assert own.ready() != 200
            with pytest.raises(ConnectionError):
                async with doors.visitor(acme, vic):
                    pass
            await widget.expect_close(1012)
        assert await asyncio.to_thread(own.wait) == 0

    async def test_a_client_that_does_not_answer_the_close_holds_nobody_up(self, own: Server, acme: TenantRef) -> None:
        async with half_open(own, acme) as (_reader, _writer):
            own.terminate()
            assert await asyncio.to_thread(own.wait) == 0


@pytest.mark.chaos
async def test_killed_at_once_it_loses_nothing_that_it_acknowledged(
    own: Server, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
) -> None:
    doors, position = Doors(own), {"room": room, "epoch": "", "after": 0}
    async with doors.agent(acme, agent_ben) as inbox, doors.visitor(acme, vic) as widget:
        position["epoch"] = (await widget.join(room))["epoch"]
        sending = asyncio.create_task(flood(inbox, room))
        await widget.expect("msg", seq=60)
        await asyncio.to_thread(own.kill)
        await widget.expect_close(1006)
        await sending
        assert await lost_of(inbox, acme, room) == set()
        seen = [one["seq"] for one in widget.came("msg")]
        assert seen == list(range(3, 3 + len(seen)))
        position["after"] = seen[-1]
    await asyncio.to_thread(own.start)
    async with doors.visitor(acme, vic, rooms=[position]) as widget:
        joined = await widget.expect("joined")
        missed = [one["seq"] for one in joined["messages"]]
        while joined["more"]:
            joined = await widget.expect("page")
            missed += [one["seq"] for one in joined["messages"]]
        assert seen + missed == list(range(3, len(await stored(acme, room)) + 1))


class TestSlowReader:
    async def test_one_that_stops_reading_is_ended_and_the_others_notice_nothing(
        self, shared: Server, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        doors, long = Doors(shared), "🪔" * 4_000  # 16 kB on the wire
        async with half_open(shared, acme) as (reader, writer), doors.visitor(acme, vic) as widget:
            for frame in (
                f'{{"t":"hello","v":1,"token":"{agent_token(acme, agent_ben)}"}}',
                f'{{"t":"join","ref":1,"room":"{room}"}}',
            ):
                writer.write(masked(frame.encode()))
            await writer.drain()
            ben = {"kind": "agent", "id": str(agent_ben.id), "name": "Ben"}
            if ben not in (await widget.join(room))["people"]:
                await widget.expect("people", who=ben, on=True)
            async with doors.agent(acme, agent_ben) as sender:
                for n in range(450):  # 7 MB: more than the kernel's buffers and ours together
                    ack = await sender.send(room, long)
                    if n % 100 == 0:
                        await widget.expect("msg", seq=ack["seq"])
                await widget.expect("msg", seq=452)
                assert len(widget.came("msg")) == 450
            assert await ended(reader), "the reader who does not read is still held"
        assert shared.complaints() == []


class TestFraming:
    """What is no WebSocket at all, or breaks its rules: cut, and no news for the log."""

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"\x81\x05hello", id="not masked"),
            pytest.param(b"\xc1\x80\x00\x00\x00\x00", id="a reserved bit"),
            pytest.param(b"\x83\x80\x00\x00\x00\x00", id="an unknown opcode"),
            pytest.param(b"\x80\x80\x00\x00\x00\x00", id="a continuation of nothing"),
            pytest.param(b"\x81\xff\x40" + b"\x00" * 11, id="a length of 2^62"),
            pytest.param(b"\x81\xff\xff" + b"\xff" * 7 + b"\x00" * 4, id="a length beyond all bounds"),
            pytest.param(b"\x89\xfe\x00\xff" + b"\x00" * 259, id="a ping that is too long"),
            pytest.param(b"\x09\x80\x00\x00\x00\x00", id="a ping in parts"),
            pytest.param(b"\x88\x81\x00\x00\x00\x00\x00", id="a close of one byte"),
            pytest.param(b"\x88\x82\x00\x00\x00\x00\x03\xec", id="a close with a code that may not travel"),
            pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="HTTP"),
            pytest.param(bytes(range(256)) * 64, id="noise"),
        ],
    )
    async def test_it_is_cut(self, shared: Server, acme: TenantRef, data: bytes) -> None:
        async with half_open(shared, acme) as (reader, writer):
            writer.write(data)
            assert await ended(reader)
        assert shared.complaints() == []

    async def test_text_in_one_byte_parts_is_text(self, shared: Server, acme: TenantRef) -> None:
        async with half_open(shared, acme) as (reader, writer):
            text = b'{"t":"ping","n":1}'
            for place in range(len(text)):
                first, last = place == 0, place == len(text) - 1
                writer.write(masked(text[place : place + 1], head=(0x80 if last else 0) | (0x01 if first else 0)))
            assert b"The first frame must be" in await reader.readuntil(b"}")

    @pytest.mark.parametrize(
        "header",
        [
            "Sec-WebSocket-Protocol: bl\xe9",
            "Sec-WebSocket-Protocol: " + ",".join(["x"] * 2_000),
            "Origin: http://a\r\nOrigin: http://b",
            "Host: acme.localhost\r\nHost: globex.localhost",
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
            "Cookie: " + "x" * 20_000,
        ],
    )
    async def test_odd_headers_do_no_harm(self, shared: Server, acme: TenantRef, vic: Principal, header: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", shared.port)
        writer.write(handshake(shared, acme, header).encode("latin-1"))
        assert await asyncio.wait_for(reader.read(12), 10) in {b"HTTP/1.1 101", b"HTTP/1.1 400", b"HTTP/1.1 431", b""}
        writer.close()
        async with Doors(shared).visitor(acme, vic) as widget:
            await widget.settled()
        assert shared.complaints() == []


@asynccontextmanager
async def half_open(server: Server, tenant: TenantRef) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A socket at the agents' door by hand, of which as little is read as can be."""
    plain = raw.socket()
    plain.setsockopt(raw.SOL_SOCKET, raw.SO_RCVBUF, 4_096)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=plain, limit=4_096)
    writer.write(handshake(server, tenant).encode())
    await reader.readuntil(b"\r\n\r\n")
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def handshake(server: Server, tenant: TenantRef, *headers: str) -> str:
    host = f"{tenant.slug}.{server.base_host}"
    lines = [
        "GET /ws/agent/ HTTP/1.1",
        f"Host: {host}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""])


def masked(payload: bytes, *, head: int = 0x81) -> bytes:
    """A client's frame with a mask of zeros."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([head]) + length + b"\0\0\0\0" + payload


async def ended(reader: asyncio.StreamReader) -> bool:
    """Whether the other end closes, once one reads what it had sent."""
    try:
        async with asyncio.timeout(20):
            while await reader.read(65_536):
                pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True
