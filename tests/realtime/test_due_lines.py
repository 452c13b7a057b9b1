"""New lines of visitors that nobody reads: who is told of them, and who is spared."""

from typing import Any

from chat.models import Participant
from chat.notifications import change_settings, send_notification
from chat.services.assignment import assign_room
from tenants.context import in_tenant, run_in_tenant, run_on_platform
from tenants.models import Membership
from tests.support.community import community, member
from tests.support.desk import Desk, delete, notes_of, said, see_all, told, who_was_told
from tests.support.shop import Shop


class TestLinesOfVisitors:
    async def test_the_team_is_told_where_nobody_holds_the_room(self, desk: Desk, shop: Shop) -> None:
        agent, viewer, vic = await shop.member("agent"), await shop.member("viewer"), await shop.visitor()
        room = await shop.room(vic, "hello")
        await desk.says(shop.tenant, room, vic, "anybody there?")
        assert await told(shop) == [(who, "messages", "anybody there?", room) for who in [copy[0] for copy in await told(shop)]]
        assert await who_was_told(shop) == {shop.owner.id, agent.id}
        assert viewer.id not in await who_was_told(shop)
        ((tenant, notice, whom),) = desk.pushed
        assert (tenant, set(whom)) == (shop.tenant, {shop.owner.id, agent.id})
        assert (notice.kind, notice.title, notice.url, notice.room) == ("message", f"{vic.name} wrote", f"/inbox/{room}/", room)

    async def test_one_stands_for_all_until_it_is_seen(self, desk: Desk, shop: Shop) -> None:
        vic = await shop.visitor()
        room, other = await shop.room(vic, "hello"), await shop.room(vic, "and")
        for number in range(3):
            await desk.says(shop.tenant, room, vic, f"line {number}", f"more {number}")
        assert [copy[2:] for copy in await told(shop)] == [("more 0", room)]
        await desk.says(shop.tenant, other, vic, "elsewhere")
        await run_on_platform(see_all, shop.tenant)
        await desk.says(shop.tenant, room, vic, "again")
        assert [copy[2] for copy in await told(shop)] == ["more 0", "elsewhere", "again"]

    async def test_who_was_told_that_the_room_is_new_hears_no_more(self, desk: Desk, shop: Shop) -> None:
        agent, vic = await shop.member("agent"), await shop.visitor()
        room = await shop.room(vic, "hello")
        words: Any = {"category": "rooms", "kind": "room_opened", "title": "Vic is waiting", "url": "/inbox/", "room": room}
        words["key"] = f"room_opened:{room}"
        await run_on_platform(lambda: send_notification(shop.tenant, [shop.owner.id], **words))
        await desk.says(shop.tenant, room, vic, "hello?")
        assert await who_was_told(shop) == {agent.id}

    async def test_settings_are_respected(self, desk: Desk, shop: Shop) -> None:
        agent, viewer, vic = await shop.member("agent"), await shop.member("viewer"), await shop.visitor()
        room = await shop.room(vic, "hello")
        await run_in_tenant(shop.tenant, change_settings, agent.id, {"messages": False})
        await run_in_tenant(shop.tenant, change_settings, viewer.id, {"messages": True})
        await desk.says(shop.tenant, room, vic, "anybody?")
        assert await who_was_told(shop) == {shop.owner.id, viewer.id}

    async def test_who_looks_or_has_read_is_passed_over(self, desk: Desk, shop: Shop) -> None:
        looks, reads, vic = await shop.member("agent"), await shop.member("agent"), await shop.visitor()
        room = await shop.room(vic, "hello")
        desk.looking[room] = {looks.id, vic.id}
        line = await run_on_platform(said, shop.tenant, room, vic, "anybody?")

        def read() -> None:
            with in_tenant(shop.tenant):
                Participant.objects.create(room_id=room, kind="agent", person_id=reads.id, name="R", read_seq=line.done.seq)

        await run_on_platform(read)
        desk.aftermath.heed([line])
        await desk.aftermath.flush()
        assert await who_was_told(shop) == {shop.owner.id}

    async def test_only_the_holder_hears_of_a_room_that_is_held(self, desk: Desk, shop: Shop) -> None:
        agent, other, vic = await shop.member("agent"), await shop.member("agent"), await shop.visitor()
        room, left = await shop.room(vic, "hello"), await shop.room(vic, "hi")
        for held, by in ((room, agent), (left, other)):
            await run_on_platform(lambda held=held, by=by: assign_room(shop.tenant, by, room_id=held, agent_id=by.id))  # type: ignore[misc]
        await desk.says(shop.tenant, room, vic, "Ben?")
        assert await who_was_told(shop) == {agent.id}

        def dismiss() -> None:
            Membership.objects.filter(tenant_id=shop.tenant.id, user_id=other.id).delete()

        await run_on_platform(dismiss)
        await desk.says(shop.tenant, left, vic, "Ben?")
        assert {who for who, *_, of in await told(shop) if of == left} == {shop.owner.id, agent.id}, "who is gone holds nothing"

    async def test_no_line_of_the_team_and_none_in_other_rooms(self, desk: Desk, shop: Shop) -> None:
        vic, agent = await shop.visitor(), await shop.member("agent")
        room, friends = await shop.room(vic, "hello"), await run_on_platform(community, shop.tenant)
        val = await run_on_platform(member, shop.tenant, friends)
        await desk.says(shop.tenant, room, agent, "we are here")
        await desk.says(shop.tenant, friends, val, "hello all")
        await desk.says(shop.tenant, await notes_of(shop, room), agent, "they are nice")
        assert (await told(shop), desk.pushed) == ([], [])

    async def test_a_line_that_was_deleted_is_quoted_nowhere(self, desk: Desk, shop: Shop) -> None:
        vic = await shop.visitor()
        room = await shop.room(vic, "hello")
        line = await run_on_platform(said, shop.tenant, room, vic, "my secret")
        await run_on_platform(delete, shop.tenant, vic, line)
        desk.aftermath.heed([line])
        await desk.aftermath.flush()
        assert await told(shop) == []
        (after,) = await desk.says(shop.tenant, room, vic, "another secret")
        await run_on_platform(delete, shop.tenant, vic, after)
        assert [copy[2] for copy in await told(shop)] == [""]
