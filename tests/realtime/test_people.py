"""State that is told and not stored as messages: who is here, who types, and which page they see."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID

from chat.models import Visitor
from chat.realtime.here import LINGER_SECONDS
from tenants.context import TenantRef, run_in_tenant
from tenants.tokens import Principal
from tests.support.shop import Shop
from tests.support.sockets import ChatSocket, Doors
from tests.support.watching import PAGE, TRIES, live, told_of


class TestPeople:
    async def test_the_room_hears_who_joins_and_who_leaves(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        ben = {"kind": "agent", "id": str(agent_ben.id), "name": "Ben"}
        async with doors.visitor(acme, vic) as widget, doors.agent(acme, agent_ben) as inbox:
            await widget.join(room)
            joined = await inbox.join(room)
            assert [one["id"] for one in joined["people"]] == [str(vic.id), str(agent_ben.id)]
            await widget.expect("people", room=str(room), who=ben, on=True)
            await inbox.say("leave", ref=1, room=room)
            await widget.expect("people", room=str(room), who=ben, on=False)

    async def test_a_cut_socket_leaves_too(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with doors.visitor(acme, vic) as widget, doors.agent(acme, agent_ben) as inbox:
            await widget.join(room)
            await inbox.join(room)
            inbox.cut()
            await widget.expect("people", room=str(room), on=False)

    async def test_a_person_with_two_sockets_is_here_once(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with doors.visitor(acme, vic) as widget, doors.agent(acme, agent_ben) as first:
            await widget.join(room)
            await first.join(room)
            async with doors.agent(acme, agent_ben) as second:
                assert len((await second.join(room))["people"]) == 2
                await second.say("leave", ref=1, room=room)
                await second.expect("left", ref=1)
            await first.send(room, "still here")
            await widget.expect("msg", seq=3)
            assert [one["on"] for one in widget.came("people") if one["who"]["id"] == str(agent_ben.id)] == [True]


class TestPresence:
    async def test_a_visitor_hears_how_many_agents_are_here(self, doors: Doors, shop: Shop) -> None:
        who = await shop.visitor()
        async with doors.visitor(shop.tenant, who) as widget:
            await widget.expect("presence", agents=0)
            async with doors.agent(shop.tenant, shop.owner):
                await widget.expect("presence", agents=1)
            await widget.expect("presence", agents=0)
            assert all("who" not in one and "visitors" not in one for one in widget.came("presence"))

    async def test_an_agent_hears_which_visitor_sees_which_page(self, doors: Doors, shop: Shop) -> None:
        who = await shop.visitor()
        async with doors.agent(shop.tenant, shop.owner) as inbox:
            async with doors.visitor(shop.tenant, who, page=PAGE) as widget:
                seen = await live(inbox, who, url=PAGE["url"])
                assert seen == {"id": str(who.id), "name": who.name, "page": PAGE, "on": True}
                await widget.say("page", url="https://shop.example/cart", title="Cart", referrer=PAGE["url"])
                assert (await live(inbox, who, url="https://shop.example/cart"))["page"]["title"] == "Cart"
                async with doors.agent(shop.tenant, await shop.member("agent")) as late:
                    assert (await live(late, who, url="https://shop.example/cart"))["on"]
            assert (await live(inbox, who, on=False))["name"] == who.name
        assert (await run_in_tenant(shop.tenant, Visitor.objects.get, id=who.id)).page["title"] == "Cart"

    async def test_a_page_that_is_no_web_address_reaches_nobody(self, doors: Doors, shop: Shop) -> None:
        who = await shop.visitor()
        async with doors.agent(shop.tenant, shop.owner) as inbox:
            trap = {"url": "javascript:alert(1)", "title": "Free\u0000 lamps", "referrer": "https://me:secret@shop.example/"}
            async with doors.visitor(shop.tenant, who, page=trap) as widget:
                page = (await live(inbox, who))["page"]
                assert page == {"url": "", "title": "Free  lamps", "referrer": "https://shop.example/"}
                await widget.say("page", url="data:text/html,x", title="Two")
                assert (await live(inbox, who, url=""))["page"] == {"url": "", "title": "Two", "referrer": ""}

    async def test_agents_hear_of_each_other(self, doors: Doors, shop: Shop) -> None:
        second = await shop.member("agent")
        async with doors.agent(shop.tenant, shop.owner) as inbox:
            ben = {"kind": "agent", "id": str(second.id), "name": second.name}
            async with doors.agent(shop.tenant, second):
                await inbox.expect("presence", who=ben, state="online", agents=2)
            await inbox.expect("presence", who=ben, state="offline", agents=1)

    async def test_a_reload_is_not_a_departure(self, doors: Doors, shop: Shop) -> None:
        async with doors.agent(shop.tenant, shop.owner) as inbox, AsyncExitStack() as stack:
            who = await self.reloads(doors, shop, inbox, stack)
            await live(inbox, who, url=PAGE["url"])
            other = await shop.visitor()
            async with doors.visitor(shop.tenant, other):
                await live(inbox, other)
            await live(inbox, other, on=False)  # a departure takes as long for everyone: theirs would have come before
            assert [one["on"] for one in told_of(inbox, who)] == [True, True]

    async def reloads(self, doors: Doors, shop: Shop, inbox: ChatSocket, stack: AsyncExitStack) -> Principal:
        """A visitor who went and was soon back, which a slow machine may not allow at once. They stay while the stack is open."""
        clock = asyncio.get_running_loop().time
        for _ in range(TRIES):
            who = await shop.visitor()
            async with doors.visitor(shop.tenant, who):
                await live(inbox, who)
                went = clock()
            await stack.enter_async_context(doors.visitor(shop.tenant, who, page=PAGE))
            if clock() - went < LINGER_SECONDS:
                return who
        raise AssertionError(f"nobody came back within {LINGER_SECONDS} s")


class TestTyping:
    async def test_the_other_side_sees_it_begin_and_end(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with doors.visitor(acme, vic) as widget, doors.agent(acme, agent_ben) as inbox:
            await widget.join(room)
            await inbox.join(room)
            await inbox.say("typing", room=room, on=True)
            assert (await widget.expect("typing", on=True))["who"]["name"] == "Ben"
            await inbox.say("typing", room=room, on=False)
            await widget.expect("typing", on=False)

    async def test_what_is_not_sent_reaches_nobody(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with doors.visitor(acme, vic) as widget, doors.agent(acme, agent_ben) as inbox:
            for socket in (widget, inbox):
                await socket.join(room)
            await widget.say("typing", room=room, on=True, draft="half a thought")
            await inbox.expect("typing", who={"kind": "visitor", "id": str(vic.id), "name": vic.name}, on=True)
            await inbox.say("typing", room=room, on=True, draft="half an answer")
            await widget.expect("typing", who={"kind": "agent", "id": str(agent_ben.id), "name": "Ben"}, on=True)
            for socket in (widget, inbox):
                assert [frame for frame in socket.frames if "draft" in frame or "half a" in str(frame)] == []

    async def test_typing_is_not_stored(self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID) -> None:
        async with doors.visitor(acme, vic) as widget:
            await widget.join(room)
            await widget.say("typing", room=room, on=True, draft="thinking")
            await widget.expect("typing")
            assert (await widget.send(room, "said"))["seq"] == 3

    async def test_too_much_typing_is_dropped_but_its_end_is_not(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with doors.visitor(acme, vic) as widget, doors.agent(acme, agent_ben) as inbox:
            await widget.join(room)
            await inbox.join(room)
            for _ in range(20):
                await widget.say("typing", room=room, on=True)
            await widget.say("typing", room=room, on=False)
            await inbox.expect("typing", on=False)
            assert 1 <= len(inbox.came("typing", on=True)) <= 3
