"""A tenant whose tables are held keeps nobody else's read marks and notifications waiting, and a drain loses none of theirs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from chat.consumers.drain import drain
from chat.models import Participant
from chat.realtime import by_tenant
from chat.realtime import hub as hubs
from chat.realtime import marks as marks_module
from chat.realtime.append import Row
from chat.realtime.by_tenant import ByTenant
from chat.realtime.hub import Hub
from chat.realtime.journal import Stored
from chat.realtime.marks import Marks
from chat.realtime.protocol.outgoing import Author
from saas.core import health
from tenants.context import TenantRef, run_in_tenant, run_on_platform
from tenants.tokens import Principal
from tests.support.cast import MakeTenant
from tests.support.desk import Desk, said, told, who_was_told
from tests.support.patience import PATIENCE
from tests.support.sessions import session_of
from tests.support.shop import Shop, shop_of

Superuser = psycopg.Connection[tuple[object, ...]]
SOON = 8.0  # seconds: a lock is waited for ten
TABLES = ("chat_participant", "chat_notification", "chat_message")


@pytest.fixture
async def other(make_tenant: MakeTenant) -> Shop:
    return await run_on_platform(shop_of, make_tenant)


@contextmanager
def held(superuser: Superuser, *shops: Shop) -> Iterator[None]:
    """Nobody reads or writes what was said, who has read what, or who was told, as while a migration runs."""
    with superuser.transaction():
        for shop in shops:
            for table in TABLES:
                name = sql.Identifier(shop.tenant.schema), sql.Identifier(table)
                superuser.execute(sql.SQL("LOCK TABLE {}.{} IN ACCESS EXCLUSIVE MODE").format(*name))
        yield


async def room_with_two_lines(shop: Shop) -> UUID:
    return await shop.room(await shop.visitor(), "one", "two")


def read_of(room: UUID, person: UUID) -> int:
    found = Participant.objects.filter(room=room, person_id=person).values_list("read_seq", flat=True).first()
    return found or 0


Holds = Callable[[], Awaitable[bool]]


def has_read(shop: Shop, room: UUID, seq: int) -> Holds:
    """Whether it is stored that the owner has read so far."""

    async def holds() -> bool:
        return await run_in_tenant(shop.tenant, read_of, room, shop.owner.id) == seq

    return holds


async def line_in_a_new_room(shop: Shop) -> Stored:
    who = await shop.visitor()
    return await run_on_platform(said, shop.tenant, await shop.room(who, "hello"), who, "hello?")


def author_of(who: Principal) -> Author:
    return Author(kind=who.kind, id=who.id, name=who.name)


async def until(holds: Holds, seconds: float = SOON) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.02)


async def until_pushed(desk: Desk, times: int, seconds: float = SOON) -> None:
    async with asyncio.timeout(seconds):
        while len(desk.pushed) < times:
            await asyncio.sleep(0.02)


async def test_marks_of_a_held_tenant_delay_nobody_elses(
    shop: Shop, other: Shop, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks_module, "FLUSH_SECONDS", 0.01)
    rooms = {one: await room_with_two_lines(one) for one in (shop, other)}
    sessions = {one: session_of(one.tenant, one.owner)[0] for one in rooms}
    marks = Marks()
    with held(superuser, shop):
        marks.note(sessions[shop], rooms[shop], 2)  # the first in the old queue
        for seq in (1, 2):
            marks.note(sessions[other], rooms[other], seq)
            await until(has_read(other, rooms[other], seq))
    await until(has_read(shop, rooms[shop], 2), PATIENCE)
    marks.stop()


async def test_notifications_of_a_held_tenant_delay_nobody_elses(
    shop: Shop, other: Shop, desk: Desk, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.realtime.aftermath.GATHER_SECONDS", 0.01)
    lines = {}
    for one in (shop, other):
        who = await one.visitor()
        room = await one.room(who, "hello")
        lines[one] = [await run_on_platform(said, one.tenant, room, who, "hello?")]
        second = await one.room(who, "and")
        lines[one].append(await run_on_platform(said, one.tenant, second, who, "another"))
    with held(superuser, shop):
        desk.aftermath.heed(lines[shop])
        for line in lines[other]:  # also what comes while the first look is under way
            pushed = len(desk.pushed)
            desk.aftermath.heed([line])
            await until_pushed(desk, pushed + 1)
        assert {tenant for tenant, *_ in desk.pushed} == {other.tenant}
    await until_pushed(desk, 4, PATIENCE)
    assert await who_was_told(shop) == {shop.owner.id}


async def test_a_drain_loses_only_what_is_of_held_tenants(
    shop: Shop, other: Shop, make_tenant: MakeTenant, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three of them at once, so that all places are taken; the journal takes longer over what they say than there is time."""
    monkeypatch.setattr(health, "draining", False)  # put back afterwards
    monkeypatch.setattr(hubs, "LAST_SECONDS", 3.0)
    monkeypatch.setattr(hubs, "LATEST_SECONDS", 3.0)
    monkeypatch.setattr("chat.consumers.drain.FLUSH_SECONDS", 8.0)
    monkeypatch.setattr("chat.realtime.journal.ASIDE_LOCK_MS", 60_000)
    monkeypatch.setattr("chat.realtime.aftermath.GATHER_SECONDS", 60.0)
    more = [await run_on_platform(shop_of, make_tenant) for _ in range(by_tenant.MOST)]
    hub = Hub()
    hub.start()
    monkeypatch.setattr(hubs, "_hub", hub)
    rooms = {one: await room_with_two_lines(one) for one in (shop, *more, other)}
    lines = [await line_in_a_new_room(other) for _ in range(2)]
    flush_marks = hub.marks.flush

    async def flush(*, seconds: float | None) -> bool:
        well = await flush_marks(seconds=seconds)
        hub.aftermath.heed(lines[1:])  # stored while the others were looked at
        return well

    monkeypatch.setattr(hub.marks, "flush", flush)
    with held(superuser, shop, *more):
        for one, room in rooms.items():
            hub.marks.note(session_of(one.tenant, one.owner)[0], room, 2)
        for one in (shop, *more):
            hub.journal.append(one.tenant, Row(rooms[one], author_of(one.owner), uuid4(), "x"), lambda _answer: None)
        hub.aftermath.heed(lines[:1])
        began = hub.loop.time()
        await drain()
        assert hub.loop.time() - began < 30, "it waited for a lock"
        assert await has_read(other, rooms[other], 2)()
        assert {room for *_, room in await told(other)} == {line.row.room_id for line in lines}
    async with asyncio.timeout(PATIENCE):
        while not hub.marks._by_tenant.is_idle:
            await asyncio.sleep(0.02)


async def test_what_is_under_way_is_waited_for_at_the_end(acme: TenantRef) -> None:
    may_end = asyncio.Event()
    did: list[str] = []

    async def work(tenant: TenantRef) -> bool:
        did.append("begun")
        await may_end.wait()
        did.append("done")
        return True

    by = ByTenant("things", work, lambda _tenant: not did)
    by.wake(acme, gather=0, retry=0)
    while not did:
        await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.05, may_end.set)
    assert await by.all([], seconds=PATIENCE)
    assert did == ["begun", "done", "begun", "done"]  # what it took before may have come back


async def test_who_was_not_served_goes_aside_and_comes_back(acme: TenantRef, globex: TenantRef) -> None:
    gate = asyncio.Event()
    told: list[TenantRef] = []

    async def work(tenant: TenantRef) -> bool:
        if tenant == acme and not gate.is_set():
            if told.count(acme) == 1:
                await gate.wait()
            told.append(acme)
            return gate.is_set()
        told.append(tenant)
        return True

    by = ByTenant("things", work, lambda _tenant: False)
    assert not await by.now(acme)
    stuck = asyncio.create_task(by.now(acme))
    async with asyncio.timeout(PATIENCE):
        while acme not in by._under_way:
            await asyncio.sleep(0)
        for _ in range(by_tenant.MOST + 1):
            assert await by.now(globex)
    assert by._places._value == by_tenant.MOST, "it holds a place of the others"
    gate.set()
    assert await stuck
    assert by._aside == set()


class TestWhenTheDatabaseWasAway:
    """All tenants are aside then, for no fault of theirs."""

    @pytest.fixture
    def tenants(self, acme: TenantRef) -> list[TenantRef]:
        return [replace(acme, id=uuid4()) for _ in range(20)]

    async def test_they_come_back_several_at_a_time(self, tenants: list[TenantRef]) -> None:
        is_away, at_once = True, [0]

        async def work(_tenant: TenantRef) -> bool:
            at_once.append(at_once[-1] + 1)
            await asyncio.sleep(0.01)
            at_once.append(at_once[-1] - 1)
            return not is_away

        by = ByTenant("things", work, lambda _tenant: False, most=4)
        assert not await by.all(tenants)
        assert max(at_once) == 4
        assert by._aside == set(tenants)
        at_once[:] = [0]
        assert not await by.all(tenants)
        assert max(at_once) == by_tenant.MOST_ASIDE
        is_away, at_once[:] = False, [0]
        assert await by.all(tenants)
        assert max(at_once) == 4
        assert (by._aside, by._places._value, by._places_aside._value) == (set(), 4, by_tenant.MOST_ASIDE)

    async def test_those_that_are_still_held_take_the_places_back(self, tenants: list[TenantRef]) -> None:
        held, at_once, most = set(tenants), 0, 0

        async def work(tenant: TenantRef) -> bool:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0.01)
            at_once -= 1
            return tenant not in held

        by = ByTenant("things", work, lambda _tenant: False, most=4)
        assert not await by.all(tenants)
        held = set(tenants[10:])
        for tenant in tenants[:10]:
            assert await by.now(tenant)
        assert by._places_aside._value == 4
        assert not await by.all(held)
        most = 0
        assert not await by.all(held)
        assert most == by_tenant.MOST_ASIDE
