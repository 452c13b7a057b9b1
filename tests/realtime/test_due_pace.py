"""What messages make due costs the send path nothing and the database little, and waits for a database that is away."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from chat.notifications import unheld
from chat.realtime import aftermath as module
from chat.realtime.aftermath import Batch, Line, due
from chat.realtime.append import Row
from chat.realtime.hub import Hub
from chat.realtime.journal import Stored
from chat.realtime.protocol.outgoing import Author
from tenants.context import TenantRef, run_on_platform
from tenants.tokens import Principal
from tests.support.desk import Desk, notes_of, said, told, who_was_told
from tests.support.patience import PATIENCE
from tests.support.sessions import at, session_of
from tests.support.shop import Shop


class TestPace:
    async def test_many_lines_cost_one_look(self, desk: Desk, shop: Shop) -> None:
        vic = await shop.visitor()
        rooms = [await shop.room(vic, "hello") for _ in range(3)]
        lines = [await run_on_platform(said, shop.tenant, room, vic, "more") for room in rooms for _ in range(5)]
        counted: list[int] = []

        def look(**asked: Any) -> Any:
            with CaptureQueriesContext(connection) as queries:
                answers = [fill(**asked) for fill in fills]
            counted.append(len([one for one in queries if "chat_" in one["sql"]]))
            return [told for answer in answers for told in answer]

        fills, due._answers = due._answers, [look]
        try:
            desk.aftermath.heed(lines)
            await desk.aftermath.flush()
        finally:
            due._answers = fills
        assert counted == [1]
        assert len(await told(shop)) == 3

    async def test_nothing_is_asked_where_nothing_is_due(self, desk: Desk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(due, "_answers", [lambda **_asked: pytest.fail("asked")])
        room = await shop.room(await shop.visitor(), "hello")
        await desk.says(shop.tenant, room, shop.owner, "an answer", "and another")
        assert desk.aftermath._by_tenant.is_idle

    async def test_a_room_is_looked_at_once_in_a_while(self, desk: Desk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        looks: list[Batch] = []

        def look(tenant: TenantRef, batch: Batch) -> list[Any]:
            looks.append(batch)
            return []

        monkeypatch.setattr(due, "_answers", [look])
        monkeypatch.setattr(module, "GATHER_SECONDS", 0.01)
        monkeypatch.setattr(module, "PAUSE_SECONDS", 0.3)
        vic = await shop.visitor()
        room = await shop.room(vic, "hello")
        lines = [await run_on_platform(said, shop.tenant, room, vic, f"line {n}") for n in range(3)]
        for line in lines:
            desk.aftermath.heed([line])
            async with asyncio.timeout(PATIENCE):
                while not looks:
                    await asyncio.sleep(0.005)
        assert len(looks) == 1
        async with asyncio.timeout(PATIENCE):
            while len(looks) < 2:
                await asyncio.sleep(0.01)
        assert [line.row.text for batch in looks for line in batch.rooms.values()] == ["line 0", "line 2"]

    async def test_a_crowd_of_rooms_is_looked_at_in_parts(self, desk: Desk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        looks: list[list[UUID]] = []

        def look(tenant: TenantRef, batch: Batch) -> list[Any]:
            looks.append(list(batch.rooms))
            return []

        monkeypatch.setattr(due, "_answers", [look])
        monkeypatch.setattr(module, "MOST_ROOMS", 2)
        rooms = [uuid4() for _ in range(5)]
        line = Line(uuid4(), 1, Row(rooms[0], Author(kind="visitor", id=uuid4(), name="Vic"), uuid4(), "x"))
        desk.aftermath._waiting[shop.tenant] = Batch(rooms=dict.fromkeys(rooms, line))
        for _ in range(3):
            assert await desk.aftermath.flush(patient=True)
        assert looks == [rooms[:2], rooms[2:4], rooms[4:]]

    async def test_as_many_statements_as_parts(self, desk: Desk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(unheld, "AT_ONCE", 2)
        vic = await shop.visitor()
        rooms = [await shop.room(vic, "hello") for _ in range(3)]
        desk.aftermath.heed([await run_on_platform(said, shop.tenant, room, vic, "more") for room in rooms])
        desk.looking = {rooms[0]: {shop.owner.id}}
        assert await desk.aftermath.flush()
        assert {copy[3] for copy in await told(shop)} == set(rooms[1:])

    async def test_a_database_that_is_away_is_asked_again(self, desk: Desk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        vic, ben = await shop.visitor(), await shop.member("agent")
        room = await shop.room(vic, "hello")
        notes = await notes_of(shop, room)
        fills = list(due._answers)
        monkeypatch.setattr(due, "_answers", [lambda **_asked: (_ for _ in ()).throw(OperationalError("away"))])
        lines = [await run_on_platform(said, shop.tenant, room, vic, "hello?")]
        lines.append(await run_on_platform(said, shop.tenant, notes, shop.owner, f"@{ben.name}!"))
        desk.aftermath.heed(lines)
        assert not await desk.aftermath.flush()
        monkeypatch.setattr(due, "_answers", fills)
        assert await desk.aftermath.flush(patient=True)
        assert await who_was_told(shop, "messages") == {shop.owner.id, ben.id}
        assert await who_was_told(shop, "mentions") == {ben.id}

    async def test_one_tenants_trouble_is_not_anothers(
        self, desk: Desk, shop: Shop, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        who = await shop.visitor()
        mine = await shop.room(who, "hello")
        bad = Line(uuid4(), 1, Row(room, Author(kind="visitor", id=vic.id, name=vic.name), uuid4(), "x"))
        desk.aftermath._waiting[acme] = Batch(rooms={room: bad}, naming=[bad] * 3)
        fills = list(due._answers)
        due._answers = [lambda tenant, batch: 1 / 0 if tenant == acme else [], *fills]
        try:
            await desk.says(shop.tenant, mine, who, "hello?")
        finally:
            due._answers = fills
        assert await who_was_told(shop) == {shop.owner.id}


async def test_the_hub_knows_who_looks(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the room open, if they have not said that they are away."""
    hub, agent, away = Hub(), await shop.member("agent"), await shop.member("agent")
    room = uuid4()
    for who in (agent, away):
        session, _ = session_of(shop.tenant, who)
        hub.enter(session)
        place = await hub.enter_room(session, room)
        hub.settle_room(session, place, head=at(0), writable=True, joined=b"{}")
    assert hub._looking(shop.tenant, room) == {agent.id, away.id}
    local = hub.local.tenant(shop.tenant.id)
    assert local
    local.team[away.id] = local.team[away.id].saying(type(local.team[away.id].word)(state="away", rev=1))
    assert hub._looking(shop.tenant, room) == {agent.id}
    assert hub._looking(shop.tenant, uuid4()) == set()


async def test_a_hub_hands_on_what_its_journal_stored(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    heeded: list[Any] = []
    monkeypatch.setattr(hub.aftermath, "heed", heeded.extend)
    vic = await shop.visitor()
    room = await shop.room(vic, "hello")
    hub.journal.start()
    await hub.journal.put(shop.tenant, Row(room, Author(kind="visitor", id=vic.id, name=vic.name), uuid4(), "two"))
    await hub.journal.stop()
    assert [one.row.text for one in heeded] == ["two"]
    assert isinstance(heeded[0], Stored)
    assert heeded[0].done.seq == 2
