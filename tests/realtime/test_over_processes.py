"""Who is here, over two processes and Redis: one is killed, paused, or cut off, and the other knows what is true before long.

A beat lasts 0.3 s here instead of five seconds, so a process is given up after 2.7 s instead of 45.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from chat.notifications import a_send_notification
from tenants.context import TenantRef, run_on_platform
from tests.realtime.test_over_http import access_of, ask
from tests.support.pair import Pair, a_pair
from tests.support.server import Server
from tests.support.shop import Shop
from tests.support.sockets import ChatSocket, Doors
from tests.support.talk import embed_key
from tests.support.watching import named

pytestmark = pytest.mark.xdist_group("realtime-processes")

BEAT_MS = 300
LOST = 10 * BEAT_MS / 1000  # after which a killed process is given up
SOON = 40.0  # for what must come


@pytest.fixture(scope="module")
def both(cast: dict[str, TenantRef]) -> Iterator[Pair]:
    with a_pair(BUS_BEAT_MS=str(BEAT_MS)) as both:
        yield both


@pytest.fixture
def pair(both: Pair) -> Iterator[Pair]:
    """Both servers and Redis; what a test took away is there again after it."""
    yield both
    for server in (both.left, both.right):
        server.process.send_signal(signal.SIGCONT)
        if server.process.poll() is not None:
            server.start()


async def until(holds: Callable[[], Awaitable[Any]], seconds: float = SOON) -> None:
    """Ask again until it holds."""
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.1)


async def is_online(server: Server, shop: Shop) -> bool:
    """What the widget's config says on this process."""
    key = (await run_on_platform(embed_key, shop.tenant)).key
    return bool((await ask(server, "widget", f"/w/{key}/config"))["online"])


async def live(server: Server, shop: Shop, token: str) -> list[str]:
    """The ids of the live visitors, as this process answers."""
    found = await ask(server, shop.tenant.slug, "/api/v1/visitors/live", token=token)
    assert found["total"] == len(found["visitors"])
    return [one["id"] for one in found["visitors"]]


async def hears(socket: ChatSocket, frame_type: str, **fields: Any) -> None:
    await socket.expect(frame_type, seconds=SOON, **fields)


async def test_a_process_without_a_socket_of_the_tenant_knows_who_is_here(pair: Pair, shop: Shop) -> None:
    token, vic = await access_of(shop), await shop.visitor()
    assert not await is_online(pair.right, shop)
    async with Doors(pair.left).agent(shop.tenant, shop.owner) as inbox, Doors(pair.left).visitor(shop.tenant, vic):
        await until(lambda: is_online(pair.right, shop))
        await until(lambda: _is(live(pair.right, shop, token), [str(vic.id)]))
        await inbox.say("presence", state="busy")
        await until(lambda: _is(is_online(pair.right, shop), False))
        await inbox.say("presence", state="online")
        await until(lambda: is_online(pair.right, shop))
    await until(lambda: _is(is_online(pair.right, shop), False))
    await until(lambda: _is(live(pair.right, shop, token), []))


async def test_a_state_is_one_over_both_processes(pair: Pair, shop: Shop) -> None:
    left, right = Doors(pair.left), Doors(pair.right)
    vic = await shop.visitor()
    async with left.agent(shop.tenant, shop.owner) as here, right.visitor(shop.tenant, vic) as widget:
        await hears(widget, "presence", agents=1)
        async with right.agent(shop.tenant, shop.owner) as there:
            await there.say("presence", state="away")
            await hears(here, "presence", who=named(shop.owner), state="away", agents=0)
            await hears(widget, "presence", agents=0)
        await here.say("presence", state="online")
        await hears(widget, "presence", agents=1)


@pytest.mark.chaos
async def test_who_was_on_a_killed_process_is_gone_before_long(pair: Pair, shop: Shop) -> None:
    left, right = Doors(pair.left), Doors(pair.right)
    vic, val, token = await shop.visitor(), await shop.visitor(), await access_of(shop)
    async with right.agent(shop.tenant, shop.owner) as inbox, right.visitor(shop.tenant, vic) as widget:
        room = await widget.open("hello")
        ben = await shop.member("agent")
        async with left.agent(shop.tenant, ben) as desk, left.visitor(shop.tenant, val):
            await desk.join(room)
            await hears(widget, "people", who=named(ben), on=True)
            await hears(widget, "presence", agents=2)
            await until(lambda: _is(live(pair.right, shop, token), sorted([str(vic.id), str(val.id)])))
            pair.left.kill()
            began = asyncio.get_running_loop().time()
            await hears(widget, "people", who=named(ben), on=False)
            await hears(inbox, "presence", who=named(ben), state="offline", agents=1)
            await until(lambda: _is(live(pair.right, shop, token), [str(vic.id)]))
            took = asyncio.get_running_loop().time() - began
            assert took < 60 * BEAT_MS / 5_000 + 30, "a minute at the shipped beat, and half a one for the machine"


@pytest.mark.chaos
async def test_who_was_killed_while_redis_was_down_is_gone_too(pair: Pair, shop: Shop) -> None:
    left, right = Doors(pair.left), Doors(pair.right)
    ben = await shop.member("agent")
    async with right.agent(shop.tenant, shop.owner) as inbox:
        async with left.agent(shop.tenant, ben):
            await hears(inbox, "presence", who=named(ben), state="online", agents=2)
            pair.redis.kill()
            pair.left.kill()
            await hears(inbox, "presence", who=named(ben), state="offline", agents=1)
        pair.bring_redis_back()
        pair.left.start()
        async with left.agent(shop.tenant, ben):
            await hears(inbox, "presence", who=named(ben), state="online", agents=2)


@pytest.mark.chaos
async def test_redis_away_for_long_and_back_brings_everybody_back(pair: Pair, shop: Shop) -> None:
    left, right = Doors(pair.left), Doors(pair.right)
    ben, vic, token = await shop.member("agent"), await shop.visitor(), await access_of(shop)
    async with right.agent(shop.tenant, shop.owner) as inbox, left.agent(shop.tenant, ben) as desk:
        await hears(inbox, "presence", who=named(ben), state="online", agents=2)
        pair.redis.kill()
        await hears(inbox, "presence", who=named(ben), state="offline", agents=1)
        async with left.visitor(shop.tenant, vic):
            await desk.say("presence", state="busy")
            await hears(desk, "presence", who=named(ben), state="busy")
            pair.bring_redis_back()
            await hears(inbox, "presence", who=named(ben), state="busy", agents=1)
            await until(lambda: _is(live(pair.right, shop, token), [str(vic.id)]))


@pytest.mark.chaos
async def test_a_room_opened_while_redis_is_away_is_soon_in_the_inbox_of_the_other_process(pair: Pair, shop: Shop) -> None:
    token, vic = await access_of(shop), await shop.visitor()
    async with Doors(pair.right).agent(shop.tenant, shop.owner) as inbox, Doors(pair.left).visitor(shop.tenant, vic) as widget:
        await inbox.settled()
        pair.redis.kill()
        room = await widget.open("Is the lamp dimmable?")
        await asyncio.sleep(LOST)  # what could not be said is not kept for so long
        assert inbox.came("room") == inbox.came("notice") == []
        pair.bring_redis_back()
        await hears(inbox, "resync")
        await hears(inbox, "notice", room=str(room))
        listed = await ask(pair.right, shop.tenant.slug, "/api/v1/rooms?kind=support&status=open", token=token)
        assert [one["id"] for one in listed["rooms"]] == [str(room)]


@pytest.mark.chaos
async def test_a_process_that_was_only_paused_comes_back_whole(pair: Pair, shop: Shop) -> None:
    left, right = Doors(pair.left), Doors(pair.right)
    ben, vic, token = await shop.member("agent"), await shop.visitor(), await access_of(shop)
    async with (
        right.agent(shop.tenant, shop.owner) as inbox,
        left.agent(shop.tenant, ben) as desk,
        left.visitor(shop.tenant, vic) as widget,
    ):
        room = await widget.open("hello")
        if named(vic) not in (await inbox.join(room))["people"]:  # the other process had not answered yet
            await hears(inbox, "people", who=named(vic), on=True)
        await hears(inbox, "presence", who=named(ben), state="online", agents=2)
        pair.left.process.send_signal(signal.SIGSTOP)
        await hears(inbox, "presence", who=named(ben), state="offline", agents=1)
        await hears(inbox, "people", who=named(vic), on=False)
        before = len(desk.came("presence", state="offline"))
        await asyncio.sleep(LOST)
        pair.left.process.send_signal(signal.SIGCONT)
        await hears(inbox, "presence", who=named(ben), state="online", agents=2)
        await hears(inbox, "people", who=named(vic), on=True)
        await until(lambda: _is(live(pair.right, shop, token), [str(vic.id)]))
        assert len(desk.came("presence", state="offline")) == before, "who slept takes nobody else for gone"
        await hears(desk, "resync")


async def test_a_notification_reaches_every_tab_on_both_processes(pair: Pair, shop: Shop) -> None:
    left, right = Doors(pair.left), Doors(pair.right)
    token = await access_of(shop)
    async with left.agent(shop.tenant, shop.owner) as here, right.agent(shop.tenant, shop.owner) as there:
        vic = await shop.visitor()
        async with left.visitor(shop.tenant, vic) as widget:
            room = await widget.open("Is the lamp dimmable?")
        told = [await tab.expect("notice", room=str(room), seconds=SOON) for tab in (here, there)]
        assert told[0] == told[1]
        assert told[0]["actions"] == [{"label": "Open", "url": f"/inbox/{room}/"}]
        await there.say("seen", notification=told[0]["id"])
        await hears(here, "seen", notification=told[0]["id"], unread=0)
        words: dict[str, Any] = {"category": "system", "kind": "news", "title": "New", "url": "/"}
        await a_send_notification(shop.tenant, [shop.owner.id], **words)  # stored by a process that nobody listens to
        path = "/api/v1/notifications"
        assert (await ask(pair.left, shop.tenant.slug, path, token=token))["unread"] == 1


async def _is(answer: Awaitable[Any], wanted: Any) -> bool:
    return bool(await answer == wanted)
