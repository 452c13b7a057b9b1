"""The proxy does to a connection what it was told, and nothing else. A proxy that harms nothing would prove nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from tests.support.proxy import Proxy

LINES = [f'{{"t":"msg","seq":{n}}}' for n in range(1, 41)]
SECONDS = 15.0
STILL = 0.3  # seconds in which nothing comes


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """Before a server that says the lines at once, and then repeats what it hears."""
    async with (
        serve(chatter, "127.0.0.1", 0, close_timeout=1) as server,
        Proxy(next(iter(server.sockets)).getsockname()[1]) as proxy,
    ):
        yield proxy


async def chatter(socket: ServerConnection) -> None:
    await socket.send('{"t":"welcome"}')
    for line in LINES:
        await socket.send(line)
    async for heard in socket:
        await socket.send(heard)


def line_to(proxy: Proxy) -> connect:
    """A socket through the proxy."""
    return connect(f"ws://127.0.0.1:{proxy.port}/", proxy=None, compression=None, close_timeout=1)


async def heard(proxy: Proxy) -> list[str]:
    """What a client gets before the answer to its question, or before it was cut."""
    lines: list[str] = []
    async with (
        asyncio.timeout(SECONDS),
        line_to(proxy) as socket,
    ):
        try:
            await socket.send("done?")
            async for line in socket:
                if line == "done?":
                    break
                lines.append(str(line))
        except ConnectionClosed:
            pass
    assert lines.pop(0) == '{"t":"welcome"}', "what is no line of a room is never touched"
    return lines


async def drained(socket: ClientConnection) -> None:
    """Hear everything until it ends, which raises."""
    async with asyncio.timeout(SECONDS):
        while True:
            await socket.recv()


async def test_a_good_line_changes_nothing(proxy: Proxy) -> None:
    assert await heard(proxy) == LINES


async def test_lines_come_twice(proxy: Proxy) -> None:
    proxy.faults.duplicate = 1.0
    assert await heard(proxy) == [line for line in LINES for _ in range(2)]


async def test_lines_change_places(proxy: Proxy) -> None:
    proxy.faults.swap = 0.5
    came = await heard(proxy)
    assert came != LINES
    assert sorted(came) == sorted(LINES)


async def test_lines_never_come(proxy: Proxy) -> None:
    proxy.faults.drop = 0.5
    came = await heard(proxy)
    assert came == [line for line in LINES if line in came]
    assert len(LINES) - len(came) == proxy.dropped > 0


async def test_a_line_is_the_last_one(proxy: Proxy) -> None:
    proxy.faults.cut = 0.2
    came = await heard(proxy)
    assert came == LINES[: len(came)]
    assert 0 < len(came) < len(LINES)


async def test_late_and_slow_lines_all_come(proxy: Proxy) -> None:
    proxy.faults.delay, proxy.faults.jitter, proxy.faults.rate = 0.02, 0.02, 20_000
    clock = asyncio.get_running_loop().time
    began = clock()
    assert await heard(proxy) == LINES
    assert clock() - began > 0.04


@pytest.mark.parametrize("fault", ["stalled", "deaf", "mute"])
async def test_nothing_comes_and_nothing_ends(proxy: Proxy, fault: str) -> None:
    async with line_to(proxy) as socket:
        for _ in range(len(LINES) + 1):
            await socket.recv()
        setattr(proxy.faults, fault, True)
        await socket.send("still there?")
        assert await is_silent(socket)
        proxy.faults.mend()
        if fault == "stalled":
            assert await socket.recv() == "still there?", "what was stopped arrives late"
        else:
            await socket.send("and now?")
            assert await is_silent(socket), "a stream never goes on without its middle"
    assert await heard(proxy) == LINES


async def is_silent(socket: ClientConnection) -> bool:
    """Nothing comes for a moment."""
    try:
        async with asyncio.timeout(STILL):
            await socket.recv()
    except TimeoutError:
        return True
    return False


async def test_all_are_cut_and_come_back(proxy: Proxy) -> None:
    async with line_to(proxy) as socket:
        await socket.recv()
        assert proxy.cut() == 1
        with pytest.raises(ConnectionClosed):
            await drained(socket)
    assert await heard(proxy) == LINES


async def test_a_handshake_is_refused_and_other_requests_pass(proxy: Proxy) -> None:
    proxy.faults.refuse_upgrades = True
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{proxy.port}/", proxy=None)
    assert refused.value.response.status_code == 403
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 426"), "the server's own answer"
    writer.close()


async def test_new_connections_are_refused(proxy: Proxy) -> None:
    proxy.faults.refuse = True
    with pytest.raises((OSError, InvalidHandshake)):
        await connect(f"ws://127.0.0.1:{proxy.port}/", proxy=None)
