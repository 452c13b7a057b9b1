"""State that is told and not stored as messages: who is here, who types, who has read what, and which page they see."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import jwt

from chat.models import Visitor
from tenants.context import TenantRef, run_in_tenant
from tenants.tokens import Principal
from tests.support.shop import Shop
from tests.support.sockets import SECONDS, ChatSocket, Doors, Frame, agent_token, resigned, visitor_token

PAGE = {"url": "https://shop.example/lamps", "title": "Lamps", "referrer": "https://search.example/"}


async def live(inbox: ChatSocket, who: Principal, *, on: bool = True, url: str | None = None) -> Frame:
    """The visitor as the agent hears of them: here or gone, and on this page if one is named."""

    def of(frame: Frame) -> Frame | None:
        return next((one for one in frame.get("visitors", ()) if one["id"] == str(who.id)), None)

    def fits(frame: Frame) -> bool:
        found = of(frame) if frame["t"] == "presence" else None
        return found is not None and found["on"] == on and url in (None, found["page"]["url"])

    found = of(await inbox.expect_one(fits, f"{who.name} {on=} {url=}"))
    assert found
    return found


def told_of(inbox: ChatSocket, who: Principal) -> list[Frame]:
    """All that an agent heard of a visitor's presence."""
    return [one for frame in inbox.came("presence") for one in frame.get("visitors", ()) if one["id"] == str(who.id)]


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask again until it holds."""
    async with asyncio.timeout(SECONDS):
        while not await holds():
            await asyncio.sleep(0.05)


async def marks_of(socket: ChatSocket, room: UUID, mark: Frame) -> bool:
    """Whether a newcomer to the room would be told of this read mark."""
    return mark in (await socket.join(room))["marks"]


async def unread(doors: Doors, shop: Shop, count: int) -> bool:
    """Whether the owner has so many unseen notifications."""
    async with doors.socket(doors.agent_url(shop.tenant)) as inbox:
        return bool((await inbox.hello(agent_token(shop.tenant, shop.owner)))["unread"] == count)


async def first(sockets: Sequence[ChatSocket], wait: Callable[[ChatSocket], Coroutine[Any, Any, Any]]) -> Any:
    """What the first of them waits for; the others need not."""
    tasks = [asyncio.create_task(wait(socket)) for socket in sockets]
    try:
        return await next(asyncio.as_completed(tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def soon_expired(token: str, tenant: TenantRef) -> str:
    """The same socket ticket, with two seconds left to live."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return resigned({**claims, "exp": int(time.time()) + 2}, tenant)


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
        who = await shop.visitor()
        async with doors.agent(shop.tenant, shop.owner) as inbox:
            async with doors.visitor(shop.tenant, who):
                await live(inbox, who)
            async with doors.visitor(shop.tenant, who, page=PAGE):
                await live(inbox, who, url=PAGE["url"])
                other = await shop.visitor()
                async with doors.visitor(shop.tenant, other):
                    await live(inbox, other)
                await live(inbox, other, on=False)  # a departure takes as long for everyone: Vic's would have come before
            assert [one["on"] for one in told_of(inbox, who)] == [True, True]


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

    async def test_a_draft_reaches_agents_and_nobody_else(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with (
            doors.visitor(acme, vic) as widget,
            doors.visitor(acme, vic) as other_tab,
            doors.agent(acme, agent_ben) as inbox,
        ):
            for socket in (widget, other_tab, inbox):
                await socket.join(room)
            await widget.say("typing", room=room, on=True, draft="I am about to")
            assert (await inbox.expect("typing", on=True))["draft"] == "I am about to"
            assert "draft" not in await other_tab.expect("typing", on=True)
            await inbox.say("typing", room=room, on=True, draft="never tell them")
            assert "draft" not in await widget.expect("typing", who={"kind": "agent", "id": str(agent_ben.id), "name": "Ben"})
            assert "never tell them" not in str(widget.frames)

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


class TestMarks:
    async def test_read_marks_go_both_ways(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with doors.visitor(acme, vic) as widget, doors.agent(acme, agent_ben) as inbox:
            await widget.join(room)
            await inbox.join(room)
            await inbox.say("read", room=room, seq=2)
            await widget.expect("marks", room=str(room), who=str(agent_ben.id), seq=2)
            await widget.say("read", room=room, seq=1)
            await inbox.expect("marks", room=str(room), who=str(vic.id), seq=1)

    async def test_a_mark_is_stored_and_only_moves_forward(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with doors.agent(acme, agent_ben) as inbox:
            await inbox.join(room)
            for seq in (1, 2, 1):
                await inbox.say("read", room=room, seq=seq)
            mark = {"who": str(agent_ben.id), "seq": 2}
            await until(lambda: marks_of(inbox, room, mark))
            async with doors.socket(doors.agent_url(acme)) as again:
                welcome = await again.hello(agent_token(acme, agent_ben))
                assert next(one for one in welcome["rooms"] if one["id"] == str(room))["unread"] == 0

    async def test_a_mark_beyond_the_end_stops_at_the_end(
        self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        async with doors.visitor(acme, vic) as widget:
            await widget.join(room)
            await widget.say("read", room=room, seq=2**53 - 1)
            await until(lambda: marks_of(widget, room, {"who": str(vic.id), "seq": 2}))

    async def test_my_other_tab_hears_of_it_without_having_joined(
        self, doors: Doors, acme: TenantRef, agent_ben: Principal, room: UUID
    ) -> None:
        async with doors.agent(acme, agent_ben) as here, doors.agent(acme, agent_ben) as elsewhere:
            await here.join(room)
            await here.say("read", room=room, seq=2)
            await elsewhere.expect("marks", room=str(room), who=str(agent_ben.id), seq=2)


class TestNotices:
    async def test_what_was_missed_comes_with_welcome_until_it_is_seen(self, doors: Doors, shop: Shop) -> None:
        who = await shop.visitor()
        async with doors.visitor(shop.tenant, who) as widget:
            rooms = [await widget.open(f"help {n}") for n in range(3)]
        async with doors.socket(doors.agent_url(shop.tenant)) as inbox:
            welcome = await inbox.hello(agent_token(shop.tenant, shop.owner))
            assert welcome["unread"] == 3
            assert [one["room"] for one in welcome["notices"]] == [str(room) for room in reversed(rooms)]
            await inbox.say("seen", notification=welcome["notices"][0]["id"])
            await until(lambda: unread(doors, shop, 2))
            await inbox.say("seen", all=True)
            await until(lambda: unread(doors, shop, 0))

    async def test_nobody_sees_for_another(self, doors: Doors, shop: Shop) -> None:
        second, who = await shop.member("agent"), await shop.visitor()
        async with doors.visitor(shop.tenant, who) as widget:
            await widget.open("help")
        async with doors.agent(shop.tenant, shop.owner) as inbox, doors.socket(doors.agent_url(shop.tenant)) as other:
            mine = (await other.hello(agent_token(shop.tenant, second)))["notices"][0]["id"]
            await inbox.say("seen", notification=mine)
            await inbox.say("seen", all=True)
            await until(lambda: unread(doors, shop, 0))
        async with doors.socket(doors.agent_url(shop.tenant)) as other:
            assert (await other.hello(agent_token(shop.tenant, second)))["unread"] == 1


class TestHeartbeat:
    async def test_a_ping_is_answered(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        async with doors.visitor(acme, vic) as widget:
            await widget.say("ping", n=2**53 - 1)
            await widget.expect("pong", n=2**53 - 1)

    async def test_the_servers_ping_carries_the_heads_of_the_joined_rooms(
        self, doors: Doors, acme: TenantRef, agent_ben: Principal, room: UUID
    ) -> None:
        async with AsyncExitStack() as stack:  # of 25 sockets in a row one is pinged every second
            inboxes = [await stack.enter_async_context(doors.agent(acme, agent_ben)) for _ in range(25)]
            for inbox in inboxes:
                await inbox.join(room)
            await first(inboxes, lambda inbox: inbox.expect("ping", heads={str(room): 2}, seconds=30))

    async def test_a_token_that_runs_out_ends_its_socket(self, doors: Doors, acme: TenantRef, agent_ben: Principal) -> None:
        async with AsyncExitStack() as stack:
            token = soon_expired(agent_token(acme, agent_ben), acme)
            url = doors.agent_url(acme)
            inboxes = [await stack.enter_async_context(doors.socket(url)) for _ in range(25)]
            await asyncio.gather(*(inbox.hello(token) for inbox in inboxes))
            await first(inboxes, lambda inbox: inbox.expect_close(4001, seconds=30))


class TestRenewal:
    async def test_a_fresh_token_of_the_same_person_is_taken(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        async with doors.visitor(acme, vic) as widget:
            await widget.say("auth", token=visitor_token(acme, vic))
            assert 890 <= (await widget.expect("authed"))["expires_in"] <= 900

    async def test_another_persons_token_ends_the_socket(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, agent_gus: Principal, globex: TenantRef
    ) -> None:
        async with doors.agent(acme, agent_ben) as inbox:
            await inbox.say("auth", token=visitor_token(acme, vic))
            await inbox.expect_close(4403)
        async with doors.agent(acme, agent_ben) as inbox:
            await inbox.say("auth", token=agent_token(globex, agent_gus))
            await inbox.expect_close(4403)

    async def test_nonsense_ends_the_socket(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        async with doors.visitor(acme, vic) as widget:
            await widget.say("auth", token="nonsense")
            await widget.expect_close(4401)
