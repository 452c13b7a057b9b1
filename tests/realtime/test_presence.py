"""What agents say of themselves, who is here at a glance, and a short absence that is none."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest

from chat.realtime.here import LINGER_SECONDS
from chat.realtime.hub import Hub
from chat.realtime.protocol.codes import MAX_NAMED, NAMED_SAMPLE
from tenants.context import TenantRef, run_on_platform
from tenants.tokens import Principal
from tests.realtime.test_over_http import access_of, ask
from tests.support.server import Server
from tests.support.sessions import Sink, at, comes_true, session_of, someone
from tests.support.shop import Shop
from tests.support.sockets import ChatSocket, Doors, Frame
from tests.support.talk import embed_key
from tests.support.watching import TRIES, comes_and_goes, named, until


def states(socket: ChatSocket, who: Principal) -> list[str]:
    """What this socket heard of an agent, in order."""
    return [one["state"] for one in socket.came("presence") if one.get("who") == named(who)]


class TestStates:
    async def test_the_others_hear_the_state_and_visitors_the_count(self, doors: Doors, shop: Shop) -> None:
        ben, vic = await shop.member("agent"), await shop.visitor()
        async with doors.agent(shop.tenant, shop.owner) as inbox, doors.visitor(shop.tenant, vic) as widget:
            async with doors.agent(shop.tenant, ben) as desk:
                await widget.expect("presence", agents=2)
                for state, agents in (("busy", 1), ("away", 1), ("online", 2)):
                    await desk.say("presence", state=state)
                    await inbox.expect("presence", who=named(ben), state=state, agents=agents)
                await widget.expect("presence", agents=1)
                await widget.expect("presence", agents=2)
            await inbox.expect("presence", who=named(ben), state="offline", agents=1)
            assert all("who" not in one and "state" not in one for one in widget.came("presence"))

    async def test_the_state_survives_a_reload_and_holds_for_every_tab(self, doors: Doors, shop: Shop) -> None:
        ben = await shop.member("agent")
        async with doors.agent(shop.tenant, ben) as first:
            await first.expect("presence", who=named(ben), state="online")
            await first.say("presence", state="busy")
            async with doors.agent(shop.tenant, ben) as second:
                await second.expect("presence", who=named(ben), state="busy")
                await second.say("presence", state="away")
                await first.expect("presence", who=named(ben), state="away")
        async with doors.agent(shop.tenant, shop.owner) as inbox:
            await inbox.expect("presence", who=named(shop.owner), state="online", agents=1)
            async with doors.agent(shop.tenant, ben) as again:
                await again.expect("presence", who=named(ben), state="away", agents=1)
                await inbox.expect("presence", who=named(ben), state="away", agents=1)
            assert "online" not in states(inbox, ben)

    async def test_a_newcomer_hears_who_is_there_already(self, doors: Doors, shop: Shop) -> None:
        ben = await shop.member("agent")
        async with doors.agent(shop.tenant, ben) as desk:
            await desk.say("presence", state="busy")
            await desk.expect("presence", who=named(ben), state="busy")
            async with doors.agent(shop.tenant, shop.owner) as inbox:
                await inbox.expect("presence", who=named(ben), state="busy", agents=1)

    async def test_a_viewer_is_seen_but_is_nobody_who_answers(self, doors: Doors, shop: Shop) -> None:
        viewer, vic = await shop.member("viewer"), await shop.visitor()
        async with doors.visitor(shop.tenant, vic) as widget, doors.agent(shop.tenant, shop.owner) as inbox:
            await widget.expect("presence", agents=1)
            async with doors.agent(shop.tenant, viewer):
                await inbox.expect("presence", who=named(viewer), state="online", agents=1)
            assert {one["agents"] for one in widget.came("presence")} <= {0, 1}

    async def test_what_is_no_state_is_refused_and_a_visitor_has_none(self, doors: Doors, shop: Shop) -> None:
        async with doors.agent(shop.tenant, shop.owner) as inbox, doors.visitor(shop.tenant, await shop.visitor()) as widget:
            for state in ("offline", "asleep", ""):
                await inbox.say("presence", state=state)
                await inbox.expect_error("bad_frame")
                await inbox.settled()
            await widget.say("presence", state="busy")
            await widget.expect_error("forbidden")

    async def test_config_says_nobody_answers_while_all_are_away(self, server: Server, doors: Doors, shop: Shop) -> None:
        path = f"/w/{(await run_on_platform(embed_key, shop.tenant)).key}/config"

        async def is_online(wanted: bool) -> bool:
            return bool((await ask(server, "widget", path))["online"] is wanted)

        async with doors.agent(shop.tenant, shop.owner) as inbox:
            await until(lambda: is_online(True))  # the answer may be some seconds old
            await inbox.say("presence", state="away")
            await inbox.expect("presence", who=named(shop.owner), state="away", agents=0)
            await until(lambda: is_online(False))


class TestLiveVisitors:
    async def test_over_http_in_pages(self, server: Server, doors: Doors, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        who, token = await shop.visitor(), await access_of(shop)
        page = {"url": "https://shop.example/lamps", "title": "Lamps", "referrer": ""}
        path, host = "/api/v1/visitors/live", shop.tenant.slug
        assert await ask(server, host, path, token=token) == {"visitors": [], "total": 0, "cursor": None}
        async with doors.visitor(shop.tenant, who, page=page):
            found = await ask(server, host, path, token=token)
            assert found == {
                "visitors": [{"id": str(who.id), "name": who.name, "page": page, "on": True}],
                "total": 1,
                "cursor": None,
            }
            assert (await ask(server, host, f"{path}?cursor={who.id}", token=token))["visitors"] == []


class TestShortAbsence:
    async def test_who_comes_back_at_once_did_not_leave_the_room(self, doors: Doors, shop: Shop) -> None:
        other = await shop.member("agent")
        async with doors.agent(shop.tenant, shop.owner) as inbox:
            async with AsyncExitStack() as stack:
                vic, room = await self.is_back_at_once(doors, shop, inbox, stack)
                await comes_and_goes(doors, shop, other, room, inbox)  # whoever went before them would be gone by now
                assert vic.id.hex not in str(inbox.came("people")).replace("-", "")
            await inbox.expect("people", room=str(room), who=named(vic), on=False)

    async def is_back_at_once(self, doors: Doors, shop: Shop, inbox: ChatSocket, stack: AsyncExitStack) -> tuple[Principal, UUID]:
        """A visitor who was cut off, and was back in their room in time, which a slow machine may not allow at first. They stay
        there as long as the stack.
        """
        clock = asyncio.get_running_loop().time
        for _ in range(TRIES):
            vic = await shop.visitor()
            async with doors.visitor(shop.tenant, vic) as widget:
                room = await widget.open("hello")
                await inbox.join(room)
                went = clock()
                widget.cut()
            await (await stack.enter_async_context(doors.visitor(shop.tenant, vic))).join(room)
            if clock() - went < LINGER_SECONDS:
                return vic, room
        raise AssertionError(f"nobody came back within {LINGER_SECONDS} s")


async def counted(sink: Sink, count: int) -> Frame:
    """What was said last of the people of the room, once it is that they are so many."""
    await comes_true(lambda: [one.get("count") for one in sink.came("people")[-1:]] == [count])
    return sink.came("people")[-1]


async def test_a_crowd_that_shrank_is_told_by_name_again(hub: Hub, acme: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.realtime.local.CROWD_SECONDS", 0.05)
    room_id, crowd = uuid4(), [session_of(acme, someone(acme, "visitor", f"Vic {n}")) for n in range(MAX_NAMED + 5)]
    for session, _sink in crowd:
        hub.enter(session)
        room = await hub.enter_room(session, room_id)
        hub.settle_room(session, room, head=at(1), writable=True, joined=b'{"t":"joined"}')
    sink: Sink = crowd[-1][1]
    assert len((await counted(sink, MAX_NAMED + 5))["who"]) == NAMED_SAMPLE
    for session, _sink in crowd[:10]:
        hub.leave_room(session, room_id)
    told = await counted(sink, MAX_NAMED - 5)
    assert {one["id"] for one in told["who"]} == {str(session.principal.id) for session, _sink in crowd[10:]}
    hub.leave_room(crowd[10][0], room_id)
    assert sink.came("people")[-1]["who"]["id"] == str(crowd[10][0].principal.id)  # one by one from here on
