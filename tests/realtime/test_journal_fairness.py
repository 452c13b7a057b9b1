"""One tenant's flood, held tables or bad rows are no other tenant's matter."""

import asyncio
from uuid import UUID

import psycopg
import pytest

from chat.realtime import flusher
from chat.realtime import journal as module
from saas.core.errors import Busy, Internal
from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.journals import a_journal, in_room, lock_of, outcome, row, tables_of
from tests.support.shop import Shop
from tests.support.stored import texts

Superuser = psycopg.Connection[tuple[object, ...]]


class TestFairness:
    async def test_a_flood_does_not_stand_before_another_tenants_line(
        self,
        acme: TenantRef,
        globex: TenantRef,
        vic: Principal,
        val: Principal,
        room: UUID,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(module, "MANY_OF_ONE", flusher.FLUSH_ROWS)  # all go by one pipeline; beside it: another test
        theirs = await in_room(globex, val)
        order: list[str] = []
        async with a_journal() as journal:
            for n in range(3_000):
                journal.append(acme, row(room, vic, f"{n}"), lambda _: order.append("flood"))
            await asyncio.sleep(0)  # the first flush is on its way
            journal.append(globex, row(theirs, val, "one line"), lambda _: order.append("line"))
            await journal.flushed()
        assert len(order) == 3_001
        assert order.index("line") <= 2 * flusher.FLUSH_ROWS

    async def test_held_tables_delay_the_others_once(
        self, acme: TenantRef, vic: Principal, room: UUID, shop: Shop, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "ASIDE_LOCK_MS", 20_000)
        monkeypatch.setattr(module, "FEW_ROWS", -1)  # as under load: nothing goes beside the main pipeline
        who = await shop.visitor()
        held = await in_room(shop.tenant, who)
        burst = [f"line {n}" for n in range(10)]
        async with a_journal() as journal:
            with superuser.transaction():
                superuser.execute(tables_of(shop.tenant))
                waiting = []
                for n, text in enumerate(burst):
                    waiting.append(asyncio.create_task(journal.put(shop.tenant, row(held, who, text))))
                    await journal.put(acme, row(room, vic, f"{n}"))
                assert not any(task.done() for task in waiting)
            await asyncio.gather(*waiting)
            assert (journal.figures.aside, journal._main.failures) == (1, 1)
        assert await texts(shop.tenant, held) == burst

    async def test_while_little_is_under_way_nobody_waits_for_another_tenant(
        self, acme: TenantRef, vic: Principal, room: UUID, shop: Shop, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "LOCK_MS", 20_000)
        who = await shop.visitor()
        held = await in_room(shop.tenant, who)
        burst = [f"line {n}" for n in range(40)]
        async with a_journal() as journal:
            with superuser.transaction():
                superuser.execute(tables_of(shop.tenant))
                waiting = []
                for n, text in enumerate(burst):
                    waiting.append(asyncio.create_task(journal.put(shop.tenant, row(held, who, text))))
                    async with asyncio.timeout(15):
                        await journal.put(acme, row(room, vic, f"{n}"))
                assert not any(task.done() for task in waiting)
            await asyncio.gather(*waiting)
            assert (journal.figures.aside, journal.failures) == (0, 0)
        assert await texts(shop.tenant, held) == burst
        assert await texts(acme, room) == ["one", "two", *(str(n) for n in range(40))]

    async def test_nobody_waits_for_a_flush_that_is_full_of_one_tenant(
        self, acme: TenantRef, vic: Principal, room: UUID, shop: Shop, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "LOCK_MS", 20_000)
        who = await shop.visitor()
        held = await in_room(shop.tenant, who)
        burst = [f"line {n}" for n in range(module.MANY_OF_ONE + 1)]
        async with a_journal() as journal:
            with superuser.transaction():
                superuser.execute(tables_of(shop.tenant))
                waiting = [asyncio.create_task(journal.put(shop.tenant, row(held, who, text))) for text in burst]
                while journal._main.rows_under_way < len(burst):
                    await asyncio.sleep(0)
                for n in range(20):
                    async with asyncio.timeout(15):
                        await journal.put(acme, row(room, vic, f"{n}"))
                assert not any(task.done() for task in waiting)
            await asyncio.gather(*waiting)
        assert await texts(shop.tenant, held) == burst

    async def test_what_is_refused_as_busy_takes_along_what_waits_behind_it(
        self, acme: TenantRef, shop: Shop, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "ASIDE_LOCK_MS", 50)
        who, other = await shop.visitor(), await shop.visitor()
        held, free = await in_room(shop.tenant, who), await in_room(shop.tenant, other)
        async with a_journal() as journal:
            with superuser.transaction():
                superuser.execute(tables_of(shop.tenant))
                first = asyncio.create_task(outcome(journal, shop.tenant, row(held, who, "first")))
                while not journal._aside.holds(shop.tenant.id):
                    await asyncio.sleep(0.01)
                behind = asyncio.create_task(outcome(journal, shop.tenant, row(held, who, "behind")))
                assert [type(one) for one in (await first, await behind)] == [Busy, Busy]
            assert (await journal.put(shop.tenant, row(free, other, "others go on"))).seq == 1
        assert await texts(shop.tenant, held) == []

    async def test_a_room_that_stays_busy_refuses_the_later_lines_too(
        self, acme: TenantRef, vic: Principal, room: UUID, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "BUSY_TRIES", 20)
        async with a_journal() as journal:
            with superuser.transaction():
                superuser.execute(lock_of(acme), [room])
                first = asyncio.create_task(outcome(journal, acme, row(room, vic, "first")))
                while not any(entry.tries > 10 for queue in journal._main.waiting.tenants.values() for entry in queue):
                    await asyncio.sleep(0.001)
                second = asyncio.create_task(outcome(journal, acme, row(room, vic, "second")))
                assert [type(one) for one in (await first, await second)] == [Busy, Busy]
        assert await texts(acme, room) == ["one", "two"]

    async def test_a_tenant_that_is_well_again_comes_back(
        self, acme: TenantRef, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "ASIDE_SECONDS", 0.0)
        who = await shop.visitor()
        room = await in_room(shop.tenant, who)
        async with a_journal() as journal:
            assert isinstance(await outcome(journal, shop.tenant, row(room, who, "a\0b")), Internal)
            await journal.flushed()
            assert journal._flusher_of(shop.tenant.id) is journal._main
            assert (await journal.put(shop.tenant, row(room, who, "good"))).seq == 1
