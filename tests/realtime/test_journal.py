"""The journal against the real database: what it promises to one process's senders, and what it survives."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.utils import timezone
from psycopg import sql

from chat.models import Room
from chat.realtime import flusher
from chat.realtime import journal as module
from chat.realtime.append import Appended, Row
from chat.realtime.journal import Journal, Stored
from chat.realtime.protocol.outgoing import Author
from chat.realtime.waiting import Done
from saas.core.database import dsn
from saas.core.errors import AppError, Busy, Conflict, Internal, NotFound, RoomClosed
from tenants.context import TenantRef, run_in_tenant, run_on_platform
from tenants.tokens import Principal
from tests.support import talk
from tests.support.shop import Shop
from tests.support.sockets import Doors
from tests.support.stored import is_gapless, stored, texts

Superuser = psycopg.Connection[tuple[object, ...]]


class Heard(list[Stored]):
    """What a journal published."""

    def __call__(self, stored: Sequence[Stored]) -> None:
        self.extend(stored)

    def texts(self) -> list[str]:
        return [one.row.text or "" for one in self]


@asynccontextmanager
async def a_journal(publish: Callable[[Sequence[Stored]], None] | None = None) -> AsyncIterator[Journal]:
    journal = Journal(dsn(), Heard() if publish is None else publish)
    journal.start()
    try:
        yield journal
    finally:
        await journal.stop()


def row(room: UUID, who: Principal, text: str, *, cid: UUID | None = None) -> Row:
    return Row(room, Author(kind=who.kind, id=who.id, name=who.name), cid or uuid4(), text)


async def outcome(journal: Journal, tenant: TenantRef, one: Row) -> Appended | AppError:
    """What the sender hears, be it good or bad."""
    try:
        return await journal.put(tenant, one)
    except AppError as error:
        return error


class TestOrder:
    async def test_64_writers_leave_no_gap_and_each_keeps_its_order(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        async def write(journal: Journal, writer: int) -> None:
            for n in range(10):
                await journal.put(acme, row(room, vic, f"{writer} {n}"))

        heard = Heard()
        async with a_journal(heard) as journal:
            await asyncio.gather(*(write(journal, writer) for writer in range(64)))
            assert journal.figures.flushes < 200  # gathered, not one by one
        lines = await stored(acme, room)
        assert is_gapless([line.seq for line in lines])
        assert len(lines) == 2 + 640
        for writer in range(64):
            assert [line.text for line in lines if line.text.startswith(f"{writer} ")] == [f"{writer} {n}" for n in range(10)]
        assert [one.done.seq for one in heard] == list(range(3, 643))

    async def test_two_processes_on_one_room_leave_no_gap(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        async with a_journal() as left, a_journal() as right:
            puts = [journal.put(acme, row(room, vic, f"{n}")) for n in range(150) for journal in (left, right)]
            done = await asyncio.gather(*puts)
        assert sorted(one.seq for one in done) == list(range(3, 303))
        assert is_gapless([line.seq for line in await stored(acme, room)])

    async def test_a_flush_holds_many_tenants_and_rooms(
        self, acme: TenantRef, globex: TenantRef, vic: Principal, val: Principal, room: UUID
    ) -> None:
        theirs = await in_room(globex, val)
        async with a_journal() as journal:
            here = [journal.put(acme, row(room, vic, "here")) for _ in range(5)]
            there = [journal.put(globex, row(theirs, val, "there")) for _ in range(5)]
            await asyncio.gather(*here, *there)
            assert journal.figures.flushes == 1
        assert await texts(acme, room) == ["one", "two"] + ["here"] * 5
        assert await texts(globex, theirs) == ["there"] * 5


class TestOnceOnly:
    async def test_the_same_twice_in_one_flush_is_stored_once(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        heard, one = Heard(), row(room, vic, "once")
        async with a_journal(heard) as journal:
            first, second = await asyncio.gather(journal.put(acme, one), journal.put(acme, one))
        assert (first.seq, first.id, first.ts) == (second.seq, second.id, second.ts)
        assert heard.texts() == ["once"]

    async def test_the_same_in_a_later_flush_is_stored_once(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        heard, one = Heard(), row(room, vic, "once")
        async with a_journal(heard) as journal:
            first = await journal.put(acme, one)
            await journal.put(acme, row(room, vic, "between"))
            second = await journal.put(acme, one)
        assert (first.seq, first.id, first.ts) == (second.seq, second.id, second.ts)
        assert heard.texts() == ["once", "between"]

    async def test_other_content_under_a_known_cid_is_a_conflict_now_and_later(
        self, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        cid = uuid4()
        async with a_journal() as journal:
            both = [outcome(journal, acme, row(room, vic, text, cid=cid)) for text in ("this", "that")]
            first, second = await asyncio.gather(*both)
            assert isinstance(first, Appended)
            assert isinstance(second, Conflict)
            assert isinstance(await outcome(journal, acme, row(room, vic, "that", cid=cid)), Conflict)
        assert await texts(acme, room) == ["one", "two", "this"]

    async def test_a_flush_whose_answer_was_lost_is_sent_again_and_heard_of(
        self, acme: TenantRef, vic: Principal, room: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heard = Heard()
        async with a_journal(heard) as journal:
            real = journal._main._send
            lost: list[Any] = []

            async def send(groups: Any) -> Any:
                answer = await real(groups)
                if not lost:
                    lost.append(answer)
                    raise psycopg.OperationalError("the connection broke before the answer came")
                return answer

            monkeypatch.setattr(journal._main, "_send", send)
            done = await journal.put(acme, row(room, vic, "once"))
        assert (done.seq, await texts(acme, room)) == (3, ["one", "two", "once"])
        assert heard.texts() == ["once"]


class TestRefusals:
    async def test_each_row_gets_its_own_answer(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        closed = await in_room(acme, vic)
        await run_in_tenant(acme, _close, closed)
        async with a_journal() as journal:
            rows = [row(uuid4(), vic, "nowhere"), row(closed, vic, "too late"), row(room, vic, "three")]
            found = await asyncio.gather(*(outcome(journal, acme, one) for one in rows))
        assert [type(one) for one in found] == [NotFound, RoomClosed, Appended]

    async def test_one_bad_row_fails_alone(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        texts_sent = [f"line {n}" for n in range(20)]
        texts_sent[7] = "a\0b"  # the database takes no NUL; nobody who decodes frames lets one through
        async with a_journal() as journal:
            found = await asyncio.gather(*(outcome(journal, acme, row(room, vic, text)) for text in texts_sent))
        assert [n for n, one in enumerate(found) if isinstance(one, AppError)] == [7]
        assert await texts(acme, room) == ["one", "two", *texts_sent[:7], *texts_sent[8:]]

    async def test_a_row_that_cannot_be_written_down_is_answered_and_fails_alone(
        self, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        async with a_journal() as journal:
            rows = [row(room, vic, "good"), row(room, vic, "a\ud800b"), row(room, vic, "good too")]
            async with asyncio.timeout(10):
                found = await asyncio.gather(*(outcome(journal, acme, one) for one in rows))
        assert [isinstance(one, Appended) for one in found] == [True, False, True]

    async def test_a_tenant_without_its_schema_fails_alone(
        self, acme: TenantRef, vic: Principal, room: UUID, shop: Shop, superuser: Superuser
    ) -> None:
        who = await shop.visitor()
        lost = await in_room(shop.tenant, who)
        superuser.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(shop.tenant.schema)))
        async with a_journal() as journal:
            found = await asyncio.gather(
                outcome(journal, shop.tenant, row(lost, who, "lost")), outcome(journal, acme, row(room, vic, "three"))
            )
            assert [type(one).__name__ for one in found] == ["Internal", "Appended"]

    async def test_a_tenant_without_its_role_fails_alone(
        self, acme: TenantRef, vic: Principal, room: UUID, shop: Shop, superuser: Superuser
    ) -> None:
        who = await shop.visitor()
        lost = await in_room(shop.tenant, who)
        role = sql.Identifier(shop.tenant.role)
        superuser.execute(sql.SQL("DROP OWNED BY {}; DROP ROLE {}").format(role, role))
        async with a_journal() as journal:
            found = await asyncio.gather(
                outcome(journal, shop.tenant, row(lost, who, "lost")), outcome(journal, acme, row(room, vic, "three"))
            )
            assert [type(one).__name__ for one in found] == ["Internal", "Appended"]


class TestPressure:
    async def test_a_busy_room_delays_only_itself(
        self, acme: TenantRef, vic: Principal, room: UUID, superuser: Superuser
    ) -> None:
        other = await in_room(acme, vic)
        async with a_journal() as journal:
            with superuser.transaction():
                superuser.execute(lock_of(acme), [room])
                waiting = asyncio.create_task(journal.put(acme, row(room, vic, "behind")))
                for n in range(20):
                    await journal.put(acme, row(other, vic, f"{n}"))
                assert not waiting.done()
            assert (await waiting).seq == 3

    async def test_lines_of_a_busy_room_keep_their_order(
        self, acme: TenantRef, vic: Principal, room: UUID, superuser: Superuser
    ) -> None:
        other = await in_room(acme, vic)
        burst = [f"line {n}" for n in range(30)]
        async with a_journal() as journal:
            with superuser.transaction():
                superuser.execute(lock_of(acme), [room])
                waiting = []
                for text in burst:
                    waiting.append(asyncio.create_task(journal.put(acme, row(room, vic, text))))
                    if len(waiting) % 3 == 0:
                        await journal.put(acme, row(other, vic, "elsewhere"))
            await asyncio.gather(*waiting)
        assert await texts(acme, room) == ["one", "two", *burst]

    async def test_a_room_that_stays_busy_is_given_up_with_a_word(
        self, acme: TenantRef, vic: Principal, room: UUID, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "BUSY_TRIES", 5)
        async with a_journal() as journal:
            with superuser.transaction():
                superuser.execute(lock_of(acme), [room])
                refused = await outcome(journal, acme, row(room, vic, "behind"))
        assert isinstance(refused, Busy)
        assert refused.retry_after
        assert await texts(acme, room) == ["one", "two"]

    async def test_the_queue_has_an_end_and_a_share_for_each_tenant(
        self, acme: TenantRef, globex: TenantRef, vic: Principal, val: Principal, room: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MAX_WAITING", 10)
        theirs = await in_room(globex, val)
        journal = Journal(dsn(), Heard())  # not started: everything waits
        answers: list[Done | AppError] = []
        for n in range(5):
            journal.append(acme, row(room, vic, f"{n}"), answers.append)
        with pytest.raises(Busy):
            journal.append(acme, row(room, vic, "one too many"), answers.append)
        for n in range(5):
            journal.append(globex, row(theirs, val, f"{n}"), answers.append)
        with pytest.raises(Busy):
            journal.append(globex, row(theirs, val, "one too many"), answers.append)
        assert journal.figures.refused == 2
        journal.start()
        await journal.stop()
        assert [type(one) for one in answers] == [Appended] * 10

    async def test_stop_stores_what_waits(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        answers: list[Done | AppError] = []
        journal = Journal(dsn(), Heard())
        journal.start()
        for n in range(1_200):
            journal.append(acme, row(room, vic, f"{n}"), answers.append)
        await journal.stop()
        assert [type(one) for one in answers] == [Appended] * 1_200
        assert len(await stored(acme, room)) == 1_202

    async def test_an_answer_that_fails_hinders_nobody(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        def fail(_result: Done | AppError) -> None:
            raise RuntimeError("the sender is no more")

        async with a_journal() as journal:
            journal.append(acme, row(room, vic, "three"), fail)
            assert (await journal.put(acme, row(room, vic, "four"))).seq == 4


class TestFairness:
    async def test_a_flood_does_not_stand_before_another_tenants_line(
        self, acme: TenantRef, globex: TenantRef, vic: Principal, val: Principal, room: UUID
    ) -> None:
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
                    async with asyncio.timeout(2):
                        await journal.put(acme, row(room, vic, f"{n}"))
                assert not any(task.done() for task in waiting)
            await asyncio.gather(*waiting)
            assert (journal.figures.aside, journal.failures) == (0, 0)
        assert await texts(shop.tenant, held) == burst
        assert await texts(acme, room) == ["one", "two", *(str(n) for n in range(40))]

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


class TestHold:
    async def test_nothing_overtakes_a_line_that_was_refused_as_busy(
        self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID, superuser: Superuser
    ) -> None:
        first, second, elsewhere = uuid4(), uuid4(), await in_room(acme, vic)
        async with doors.visitor(acme, vic) as widget:
            await widget.join(room)
            await widget.join(elsewhere)
            with superuser.transaction():
                superuser.execute(lock_of(acme), [room])
                await widget.say("send", cid=first, room=room, text="first")
                refused = await widget.expect_error("busy", cid=str(first), seconds=30)
            await widget.say("send", cid=second, room=room, text="second")
            await widget.expect_error("busy", cid=str(second))
            await widget.send(elsewhere, "another room has nothing to wait for")
            await asyncio.sleep(refused["retry_after"])
            await widget.send(room, "first", cid=first)
            await widget.send(room, "second", cid=second)
        assert await texts(acme, room) == ["one", "two", "first", "second"]


class TestDatabaseAway:
    async def test_a_cut_connection_is_opened_again(
        self, acme: TenantRef, vic: Principal, room: UUID, superuser: Superuser
    ) -> None:
        async with a_journal() as journal:
            for n in range(5):
                assert journal._main.connection is not None or n == 0
                if journal._main.connection is not None:
                    superuser.execute("SELECT pg_terminate_backend(%s)", [journal._main.connection.info.backend_pid])
                assert (await journal.put(acme, row(room, vic, f"{n}"))).seq == 3 + n

    async def test_connections_cut_under_load_lose_and_double_nothing(
        self, acme: TenantRef, vic: Principal, room: UUID, superuser: Superuser
    ) -> None:
        heard = Heard()
        async with a_journal(heard) as journal:
            puts = []
            for n in range(400):
                puts.append(asyncio.create_task(journal.put(acme, row(room, vic, f"{n}"))))
                if n % 40 == 20 and journal._main.connection is not None:
                    superuser.execute("SELECT pg_terminate_backend(%s)", [journal._main.connection.info.backend_pid])
                await asyncio.sleep(0.001)  # a flush now and then
            done = await asyncio.gather(*puts)
            assert journal.failures > 0
        assert [one.seq for one in done] == list(range(3, 403))
        assert await texts(acme, room) == ["one", "two", *(f"{n}" for n in range(400))]
        assert heard.texts() == [f"{n}" for n in range(400)]

    async def test_without_a_database_senders_hear_busy(
        self, acme: TenantRef, vic: Principal, room: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(flusher, "GIVE_UP_SECONDS", 0.2)
        journal = Journal("host=127.0.0.1 port=1 dbname=none user=none", Heard())
        journal.start()
        refused = await outcome(journal, acme, row(room, vic, "nowhere"))
        await journal.stop()
        assert isinstance(refused, Busy)


def lock_of(tenant: TenantRef) -> sql.Composed:
    """Takes the row lock of a room, which an append must have."""
    return sql.SQL("SELECT FROM {}.chat_room WHERE id = %s FOR UPDATE").format(sql.Identifier(tenant.schema))


def tables_of(tenant: TenantRef) -> sql.Composed:
    """Takes the tables that an append needs, as a migration does."""
    return sql.SQL("LOCK TABLE {}.chat_room IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(tenant.schema))


async def in_room(tenant: TenantRef, who: Principal) -> UUID:
    """A new, empty room of the visitor."""
    return await run_on_platform(talk.room_of, tenant, who)


def _close(room_id: UUID) -> None:
    Room.objects.filter(id=room_id).update(closed_at=timezone.now())
