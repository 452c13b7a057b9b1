"""The same server alone and under gunicorn: short handshakes, rooms told by the fast way, and a drain that says goodbye."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from uuid import UUID

import httpx
import pytest

from saas.up.database import ROOT
from saas.up.redis import RedisServer
from tenants.tokens import Principal
from tests.infra.watched import MARK
from tests.support.ecs import ecs
from tests.support.patience import PATIENCE
from tests.support.server import START_SECONDS, Server, make_server, running
from tests.support.shop import Shop
from tests.support.sockets import ChatSocket, Doors, key_of
from tests.support.stored import texts

TABS = 4  # of the visitor who has the page open so many times
COMMANDS = {
    "uvicorn": ["saas.serve", "--port", "{port}"],
    "gunicorn": ["gunicorn", "-c", "python:saas.gunicorn", "-b", "127.0.0.1:{port}"],
}

both = pytest.mark.parametrize("program", COMMANDS)


@contextmanager
def served(program: str, *words: str, redis_url: str = "", **variables: str) -> Iterator[Server]:
    """The server, watched."""
    command = ["-m", "tests.infra.watched", *COMMANDS[program], *words]
    with running("uvicorn", redis_url=redis_url, command=command, **variables) as server:
        yield server


async def tabs_of(stack: AsyncExitStack, doors: Doors, shop: Shop, who: Principal, room: UUID) -> list[ChatSocket]:
    """All tabs of a visitor, in the room."""
    tabs = [await stack.enter_async_context(doors.visitor(shop.tenant, who)) for _ in range(TABS)]
    for tab in tabs:
        await tab.join(room)
    return tabs


def watched(server: Server, word: str) -> set[str]:
    """The sockets of which the log says this."""
    return set(re.findall(rf"^{word} (\d+)$", server.said(), re.MULTILINE))


@both
async def test_a_room_is_told_by_the_fast_way(program: str, shop: Shop) -> None:
    who = await shop.visitor()
    room = await shop.room(who, "one")
    with served(program) as server:
        async with AsyncExitStack() as stack:
            tabs = await tabs_of(stack, Doors(server), shop, who, room)
            await tabs[0].send(room, MARK)
            for tab in tabs:
                await tab.expect_one(lambda one: one["t"] == "msg" and one["message"]["text"] == MARK, "the line")
        assert len(watched(server, "lean")) == TABS
        assert watched(server, "fast") == watched(server, "lean")
        assert server.complaints() == []


@both
async def test_who_is_told_to_end_says_when_to_come_back_and_keeps_all(program: str, shop: Shop) -> None:
    who = await shop.visitor()
    room = await shop.room(who, "one")
    with served(program) as server:
        async with AsyncExitStack() as stack:
            tabs = await tabs_of(stack, Doors(server), shop, who, room)
            await tabs[0].say("send", cid=UUID(int=1), room=room, text="a last word")
            server.terminate()
            for tab in tabs:
                assert (await tab.expect("bye", code=1012))["after"] >= 0
                await tab.expect_close(1012)
            assert await asyncio.to_thread(server.wait) == 0
            if tabs[0].came("ack", cid=str(UUID(int=1))):
                assert await texts(shop.tenant, room) == ["one", "a last word"]
        assert server.complaints() == []


@both
async def test_whom_the_load_balancer_leaves_says_goodbye_and_lives_on_until_it_is_told_to_end(program: str, shop: Shop) -> None:
    """As ECS does it: SIGTERM comes when nobody could hear a goodbye any more."""
    who = await shop.visitor()
    room = await shop.room(who, "one")
    with ecs() as aws, served(program, **aws.variables) as server:
        aws.port, doors = server.port, Doors(server)
        async with AsyncExitStack() as stack:
            tabs = await tabs_of(stack, doors, shop, who, room)
            assert await asyncio.to_thread(aws.told.wait, PATIENCE)
            assert await asyncio.to_thread(server.ready) == 200
            aws.state = "draining"
            for tab in tabs:
                assert (await tab.expect("bye", code=1012, seconds=PATIENCE))["after"] >= 0
                await tab.expect_close(1012)
        assert await asyncio.to_thread(server.ready) == 503
        assert httpx.get(f"http://127.0.0.1:{server.port}/healthz/live", timeout=PATIENCE).status_code == 200
        async with doors.socket(doors.visitor_url(key_of(shop.tenant))) as late:
            await late.expect_close(1012)
        server.terminate()
        assert await asyncio.to_thread(server.wait) == 0
        assert server.complaints() == []


async def test_a_load_balancer_that_asks_whether_it_lives_sees_the_drain_at_once(shop: Shop) -> None:
    """It lives from the end of its start, also where Redis is away and it is not ready, until it refuses connections."""
    server = make_server(redis_url="redis://127.0.0.1:1/0")
    server.launch()
    try:
        words = [sys.executable, "-m", "saas.probe", "live", "--port", str(server.port), "--wait", str(START_SECONDS)]
        assert (await asyncio.to_thread(subprocess.run, words, cwd=ROOT, check=False)).returncode == 0
        assert await asyncio.to_thread(server.ready) == 503
        async with Doors(server).visitor(shop.tenant, await shop.visitor()) as tab:
            server.terminate()
            await tab.expect("bye", code=1012)
            assert await asyncio.to_thread(server.ready) == 0
        assert await asyncio.to_thread(server.wait) == 0
    finally:
        server.stop()
        server.log.unlink()


async def test_gunicorn_takes_new_code_without_an_end(shop: Shop) -> None:
    """SIGHUP: new workers serve before the old ones say goodbye."""
    who = await shop.visitor()
    room = await shop.room(who, "one")
    with served("gunicorn") as server:
        async with AsyncExitStack() as stack:
            tabs = await tabs_of(stack, Doors(server), shop, who, room)
            server.process.send_signal(signal.SIGHUP)
            for tab in tabs:
                await tab.expect("bye", code=1012, seconds=PATIENCE)
            async with Doors(server).visitor(shop.tenant, who) as again:
                assert (await again.join(room))["head"] == 1
        assert server.process.poll() is None
        assert server.complaints() == []


async def test_workers_of_gunicorn_hear_each_other(shop: Shop) -> None:
    """Whichever of the two the sockets came to."""
    who = await shop.visitor()
    room = await shop.room(who, "one")
    with RedisServer() as redis_url, served("gunicorn", "--workers", "2", redis_url=redis_url) as server:
        async with AsyncExitStack() as stack:
            tabs = await tabs_of(stack, Doors(server), shop, who, room)
            for seq, tab in enumerate(tabs, 2):
                await tab.send(room, "all of you")
                for each in tabs:
                    await each.expect("msg", room=str(room), seq=seq)
        assert server.complaints() == []
