"""Two processes and Redis between them: what is said on one is heard on the other, and Redis may go at any time."""

import asyncio
import re
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import httpx
import pytest

from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support import talk
from tests.support.pair import Pair, Sides, doorbell_rings
from tests.support.polls import HttpDoors
from tests.support.server import Server
from tests.support.shop import Shop
from tests.support.sockets import ChatSocket, Doors
from tests.support.stored import is_gapless, stored, texts
from tests.support.watching import named

pytestmark = pytest.mark.xdist_group("realtime-redis")

SOON = 15.0  # seconds, for what must come


async def test_both_hear_each_other(sides: Sides, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID) -> None:
    left, right = sides
    async with left.visitor(acme, vic) as widget, right.agent(acme, agent_ben) as inbox:
        await widget.join(room)
        await inbox.join(room)
        await widget.send(room, "from the left")
        await inbox.expect("msg", room=str(room), seq=3, seconds=SOON)
        await inbox.send(room, "from the right")
        await widget.expect("msg", room=str(room), seq=4, seconds=SOON)
        await widget.expect_one(lambda one: one["t"] == "room" and one["summary"]["head"] == 4, "the summary", seconds=SOON)


async def test_who_polls_here_and_there_misses_nothing(
    sides: Sides, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
) -> None:
    """One poll on the left, the next on the right, with one cursor."""
    right, web = sides[1], [HttpDoors(doors.server) for doors in sides]
    async with web[0].visitor(acme, vic) as here, web[1].visitor(acme, vic) as there, right.agent(acme, agent_ben) as inbox:
        await inbox.join(room)
        await here.join(room)
        for number in range(20):
            poll = asyncio.create_task(here.poll()) if number % 4 == 0 else None  # some lines come while it waits
            await inbox.send(room, f"line {number}")
            if poll is not None:
                await poll
                here.http, there.http = there.http, here.http
        while here.last[str(room)] < 22:
            await here.poll()
            here.http, there.http = there.http, here.http
        assert here.lines[str(room)] == await texts(acme, room)
        assert (await here.send(room, "mine"))["t"] == "ack"
        await inbox.expect("msg", room=str(room), seq=23, seconds=SOON)


async def test_a_new_room_stands_in_the_inbox_at_once(sides: Sides, shop: Shop) -> None:
    left, right = sides
    who = await shop.visitor()
    async with left.visitor(shop.tenant, who) as widget, right.agent(shop.tenant, shop.owner) as inbox:
        room = await widget.open("Hello")
        await inbox.expect("room", room=str(room), seconds=SOON)
        await inbox.expect("notice", room=str(room), seconds=SOON)


async def test_all_viewers_see_one_order_when_both_sides_write_at_once(
    sides: Sides, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
) -> None:
    left, right = sides
    async with left.visitor(acme, vic) as widget, right.agent(acme, agent_ben) as inbox:
        await widget.join(room)
        await inbox.join(room)
        for n in range(80):
            await widget.say("send", cid=uuid4(), room=room, text=f"visitor {n}")
            await inbox.say("send", cid=uuid4(), room=room, text=f"agent {n}")
        await widget.expect("msg", seq=162)
        await inbox.expect("msg", seq=162)
        said = await texts(acme, room)
        assert ["one", "two", *widget.lines(room)] == said
        assert ["one", "two", *inbox.lines(room)] == said
        for side in ("visitor", "agent"):
            assert [text for text in said if text.startswith(side)] == [f"{side} {n}" for n in range(80)]


async def test_each_line_is_stored_once_over_both(sides: Sides, acme: TenantRef, vic: Principal, room: UUID) -> None:
    cids = [uuid4() for _ in range(50)]
    async with sides[0].visitor(acme, vic) as left, sides[1].visitor(acme, vic) as right:
        acks = await asyncio.gather(*(socket.send(room, f"{cid}", cid=cid) for cid in cids for socket in (left, right)))
    assert acks[::2] == acks[1::2]
    lines = await stored(acme, room)
    assert is_gapless([line.seq for line in lines])
    assert len(lines) == 52


async def test_people_typing_and_marks_cross_over(
    sides: Sides, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
) -> None:
    left, right = sides
    async with left.visitor(acme, vic) as widget:
        await widget.join(room)
        async with right.agent(acme, agent_ben) as inbox:
            joined = await inbox.join(room)
            await widget.expect("people", room=str(room), on=True, who=named(agent_ben))
            if named(vic) not in joined["people"]:  # the other process had not answered yet
                await inbox.expect("people", room=str(room), on=True, who=named(vic))
            await widget.say("typing", room=room, on=True)
            await inbox.expect("typing", room=str(room), on=True, seconds=SOON)
            await inbox.say("read", room=room, seq=2)
            await widget.expect("marks", who=str(agent_ben.id), seq=2, seconds=SOON)
            inbox.cut()
        await widget.expect("people", room=str(room), on=False, who=named(agent_ben))


async def test_presence_crosses_over(sides: Sides, shop: Shop) -> None:
    left, right = sides
    who = await shop.visitor()
    async with left.visitor(shop.tenant, who, page={"url": "https://shop.example/"}) as widget:
        async with right.agent(shop.tenant, shop.owner) as inbox:
            await widget.expect("presence", agents=1)
            await inbox.expect_one(lambda one: str(who.id) in str(one.get("visitors")), "the visitor")
        await widget.expect("presence", agents=0)


async def test_a_change_over_http_reaches_the_sockets_of_the_other_process(
    pair: Pair, sides: Sides, acme: TenantRef, vic: Principal, room: UUID
) -> None:
    async with sides[0].visitor(acme, vic) as widget:
        await widget.join(room)
        await over_http(pair.right, acme, f"/api/v1/rooms/{room}/resolve")
        told = (await widget.expect("msg", room=str(room), seq=3, seconds=SOON))["message"]
        assert (told["kind"], told["text"]) == ("system", "Ben resolved this")
        await widget.expect_one(lambda one: one["t"] == "room" and one["summary"]["status"] == "resolved", "the status")
        await over_http(pair.right, acme, f"/api/v1/rooms/{room}/reopen")
        await widget.expect("msg", room=str(room), seq=4, seconds=SOON)


async def test_a_visitor_holds_five_sockets_over_both_and_the_oldest_goes(sides: Sides, shop: Shop) -> None:
    who = await shop.visitor()
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(sides[n % 2].visitor(shop.tenant, who)) for n in range(7)]
        for socket in sockets[:2]:
            await socket.expect_close(4409)
        for socket in sockets[2:]:
            await socket.settled()
            assert socket.code is None


@pytest.mark.chaos
async def test_redis_gone_costs_nothing_but_time(
    pair: Pair, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
) -> None:
    left, right = Doors(pair.left), Doors(pair.right)
    async with left.visitor(acme, vic) as widget, right.agent(acme, agent_ben) as inbox:
        await widget.join(room)
        await inbox.join(room)
        sending = asyncio.create_task(chatter(widget, room, 60))
        await inbox.expect("msg", seq=10)
        pair.redis.kill()
        acks = await sending
        assert sorted(acks)[len(acks) // 2] < 2.0, "no send waits for Redis"
        assert max(acks) < 10.0, "nor does the first that finds it gone"
        await inbox.expect("msg", seq=62)  # by repair
        async with right.agent(acme, agent_ben) as late:
            assert (await late.join(room))["head"] == 62
        pair.bring_redis_back()
        await doorbell_rings(widget, inbox, room)
        said = await texts(acme, room)
        assert ["one", "two", *inbox.lines(room)] == said
        assert ["one", "two", *widget.lines(room)] == said
    assert not re.findall(r"ERROR (?:chat|saas|tenants|uvicorn).*", pair.left.said() + pair.right.said())


async def chatter(socket: ChatSocket, room: UUID, count: int) -> list[float]:
    """So many lines, one after the other; the seconds that each ack took."""
    clock, took = asyncio.get_running_loop().time, []
    for n in range(count):
        begin = clock()
        await socket.send(room, f"line {n}")
        took.append(clock() - begin)
        await asyncio.sleep(0.02)  # a person, not a flood: the fault falls between two lines
    return took


async def over_http(server: Server, acme: TenantRef, path: str) -> None:
    """Ben asks the HTTP API of acme."""
    headers = {"Host": f"acme.{server.base_host}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=60) as client:
        access = await talk.access_of(acme, "ben@acme.example")
        answer = await client.post(path, headers={"Authorization": f"Bearer {access}"})
        assert answer.status_code == 200, answer.text
