"""The journal when rooms are held, its queue is full, or it is asked to stop."""

import asyncio
from uuid import UUID, uuid4

import psycopg
import pytest

from chat.realtime import journal as module
from chat.realtime.append import Appended
from chat.realtime.journal import Journal
from chat.realtime.waiting import Done
from saas.core.database import dsn
from saas.core.errors import AppError, Busy
from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.journals import Heard, a_journal, in_room, lock_of, outcome, row
from tests.support.sockets import Doors
from tests.support.stored import stored, texts

Superuser = psycopg.Connection[tuple[object, ...]]


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
        monkeypatch.setattr(module, "WAITING_IN_JOURNAL", 10)
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
