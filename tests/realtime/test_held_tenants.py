"""A tenant whose tables are held keeps nobody else's read marks and notifications waiting, and a drain loses none of theirs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from chat.consumers.drain import drain
from chat.models import Participant
from chat.realtime import by_tenant
from chat.realtime import hub as hubs
from chat.realtime import marks as marks_module
from chat.realtime.by_tenant import ByTenant
from chat.realtime.hub import Hub
from chat.realtime.marks import Marks
from saas.core import health
from tenants.context import TenantRef, run_in_tenant, run_on_platform
from tests.support.cast import MakeTenant
from tests.support.desk import Desk, said, who_was_told
from tests.support.sessions import session_of
from tests.support.shop import Shop, shop_of

Superuser = psycopg.Connection[tuple[object, ...]]
SOON = 5.0  # seconds: a lock is waited for twice as long


@pytest.fixture
async def other(make_tenant: MakeTenant) -> Shop:
    return await run_on_platform(shop_of, make_tenant)


@contextmanager
def held(superuser: Superuser, *shops: Shop) -> Iterator[None]:
    """Nobody reads or writes who has read what, or who was told, as while a migration runs."""
    with superuser.transaction():
        for shop in shops:
            for table in ("chat_participant", "chat_notification"):
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


async def until(holds: Holds) -> None:
    async with asyncio.timeout(SOON):
        while not await holds():
            await asyncio.sleep(0.02)


async def until_pushed(desk: Desk, times: int) -> None:
    async with asyncio.timeout(SOON):
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
    await until(has_read(shop, rooms[shop], 2))
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
    await until_pushed(desk, 4)
    assert await who_was_told(shop) == {shop.owner.id}


async def test_a_drain_loses_only_what_is_of_held_tenants(
    shop: Shop, other: Shop, make_tenant: MakeTenant, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three of them at once, so that all places are taken."""
    monkeypatch.setattr(health, "draining", False)  # put back afterwards
    monkeypatch.setattr(hubs, "LAST_SECONDS", 1.0)
    more = [await run_on_platform(shop_of, make_tenant) for _ in range(by_tenant.MOST)]
    hub = Hub()
    hub.start()
    monkeypatch.setattr(hubs, "_hub", hub)
    rooms = {one: await room_with_two_lines(one) for one in (shop, *more, other)}
    line = await run_on_platform(said, other.tenant, rooms[other], await other.visitor(), "hello?")
    with held(superuser, shop, *more):
        for one, room in rooms.items():
            hub.marks.note(session_of(one.tenant, one.owner)[0], room, 2)
        hub.aftermath.heed([line])
        began = hub.loop.time()
        await drain()
        assert hub.loop.time() - began < 12, "it waited for a lock"
        assert await has_read(other, rooms[other], 2)()
        assert await who_was_told(other) == {other.owner.id}
    async with asyncio.timeout(SOON):
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
    assert await by.all([], seconds=SOON)
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
    async with asyncio.timeout(SOON):
        while acme not in by._under_way:
            await asyncio.sleep(0)
        for _ in range(by_tenant.MOST + 1):
            assert await by.now(globex)
    assert by._places._value == by_tenant.MOST, "it holds a place of the others"
    gate.set()
    assert await stuck
    assert by._aside == set()
