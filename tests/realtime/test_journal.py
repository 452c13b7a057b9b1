"""The journal against the real database: each message once, in order, without a gap, and at the end nothing waits."""

import asyncio
from uuid import UUID, uuid4

import pytest

from chat.realtime.append import Appended
from chat.realtime.journal import Journal
from saas.core.errors import Conflict
from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.journals import Heard, a_journal, in_room, lose_next_answer, outcome, row
from tests.support.stored import is_gapless, stored, texts


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
            lose_next_answer(journal, monkeypatch)
            done = await journal.put(acme, row(room, vic, "once"))
        assert (done.seq, await texts(acme, room)) == (3, ["one", "two", "once"])
        assert heard.texts() == ["once"]
