"""Who has read what, which notifications they have seen, and how long a socket lives."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID

from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.shop import Shop
from tests.support.sockets import Doors, agent_token, visitor_token
from tests.support.watching import first, marks_of, soon_expired, unread, until


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
            await first(inboxes, lambda inbox: inbox.expect("ping", heads={str(room): 2}, seconds=60))

    async def test_a_token_that_runs_out_ends_its_socket(self, doors: Doors, acme: TenantRef, agent_ben: Principal) -> None:
        async with AsyncExitStack() as stack:
            url = doors.agent_url(acme)
            inboxes = [await stack.enter_async_context(doors.socket(url)) for _ in range(25)]
            token = soon_expired(agent_token(acme, agent_ben), acme)  # all are welcomed before it runs out
            await asyncio.gather(*(inbox.hello(token) for inbox in inboxes))
            await first(inboxes, lambda inbox: inbox.expect_close(4001, seconds=60))


class TestRenewal:
    async def test_a_fresh_token_of_the_same_person_is_taken(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        async with doors.visitor(acme, vic) as widget:
            await widget.say("auth", token=visitor_token(acme, vic))
            assert 600 <= (await widget.expect("authed"))["expires_in"] <= 900

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
