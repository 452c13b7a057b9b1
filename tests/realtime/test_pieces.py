"""The pure pieces of the realtime core: the order of one room, who is in a place, the lanes of one socket."""

import asyncio
from itertools import permutations
from uuid import UUID, uuid4

import pytest

from chat.consumers.lanes import Lanes
from chat.realtime import groups
from chat.realtime.protocol.outgoing import Person
from chat.realtime.roster import Roster
from chat.realtime.sequence import MAX_HELD, Sequence
from saas.core.errors import Busy
from saas.core.fastsocket import frame, payloads, together


def numbers(ready: list[tuple[int, bytes]]) -> list[int]:
    return [seq for seq, _frame in ready]


class TestSequence:
    def test_whatever_order_they_come_in_they_leave_in_order_and_once(self) -> None:
        for order in permutations(range(1, 6)):
            sequence, left = Sequence(head=0), []
            for seq in (*order, *order):
                left += numbers(sequence.offer(seq, b"%d" % seq))
            assert left == [1, 2, 3, 4, 5]
            assert not sequence.broken

    def test_before_anything_is_known_everything_is_kept(self) -> None:
        sequence = Sequence()
        assert sequence.offer(7, b"7") == []
        assert not sequence.broken
        assert numbers(sequence.advance(6)) == [7]

    def test_what_a_reader_reads_is_not_sent_again(self) -> None:
        sequence = Sequence()
        for seq in (3, 4, 6):
            sequence.offer(seq, b"")
        assert numbers(sequence.advance(4)) == []
        assert sequence.broken  # 5 is missing
        assert numbers(sequence.offer(5, b"")) == [5, 6]

    def test_it_never_moves_back(self) -> None:
        sequence = Sequence(head=5)
        assert sequence.advance(3) == []
        assert sequence.offer(4, b"") == []
        assert numbers(sequence.offer(6, b"")) == [6]

    def test_a_hole_that_lasts_holds_a_bounded_number(self) -> None:
        sequence = Sequence(head=0)
        for seq in range(2, MAX_HELD + 100):
            sequence.offer(seq, b"")
        assert len(sequence.held) == MAX_HELD
        assert numbers(sequence.offer(1, b""))[-1] == MAX_HELD + 1


class TestRoster:
    @pytest.fixture
    def ben(self) -> Person:
        return Person(kind="agent", id=uuid4(), name="Ben")

    @pytest.fixture
    def roster(self) -> Roster[Person]:
        return Roster(of=lambda who: who.id)

    def test_a_person_comes_with_the_first_socket_and_goes_with_the_last(self, roster: Roster[Person], ben: Person) -> None:
        assert roster.came(ben)
        assert not roster.came(ben)
        assert roster.went(ben.id) is None
        assert roster.went(ben.id) == ben
        assert ben.id not in roster

    def test_one_who_is_elsewhere_too_does_not_go(self, roster: Roster[Person], ben: Person) -> None:
        assert roster.heard("other", on=[ben]) == ([ben], [])
        assert not roster.came(ben)
        assert roster.went(ben.id) is None
        assert roster.heard("other", off=[ben.id]) == ([], [ben])

    def test_one_who_is_here_does_not_go_with_another_process(self, roster: Roster[Person], ben: Person) -> None:
        roster.came(ben)
        assert roster.heard("other", on=[ben]) == ([], [])
        assert roster.lost("other") == []
        assert roster.everyone() == [ben]

    def test_a_lost_process_takes_its_people_along(self, roster: Roster[Person], ben: Person) -> None:
        roster.heard("one", on=[ben])
        roster.heard("two", on=[ben])
        assert roster.lost("one") == []
        assert roster.lost("two") == [ben]
        assert roster.lost("two") == []

    def test_what_is_heard_twice_is_new_once(self, roster: Roster[Person], ben: Person) -> None:
        assert roster.heard("other", on=[ben]) == ([ben], [])
        assert roster.heard("other", on=[ben]) == ([], [])
        assert roster.heard("other", off=[ben.id]) == ([], [ben])
        assert roster.heard("other", off=[ben.id]) == ([], [])

    def test_a_stranger_who_goes_was_never_here(self, roster: Roster[Person]) -> None:
        assert roster.went(uuid4()) is None


class TestLanes:
    @pytest.fixture
    def log(self) -> list[str]:
        return []

    async def test_a_job_that_need_not_wait_is_done_at_once(self, log: list[str]) -> None:
        Lanes().run("room", lambda: log.append("done"))
        assert log == ["done"]

    async def test_one_lane_keeps_its_order_and_holds_up_no_other(self, log: list[str]) -> None:
        lanes, gate, last = Lanes(), asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            await gate.wait()
            log.append("first")

        async def end() -> None:
            log.append("third")
            last.set()

        lanes.run("a", wait)
        lanes.run("a", lambda: log.append("second"))
        lanes.run("a", end)
        lanes.run("b", lambda: log.append("other"))
        assert log == ["other"]
        gate.set()
        await asyncio.wait_for(last.wait(), 5)
        assert log == ["other", "first", "second", "third"]

    async def test_too_much_waiting_is_refused_and_counted_off_again(
        self, monkeypatch: pytest.MonkeyPatch, log: list[str]
    ) -> None:
        monkeypatch.setattr("chat.consumers.lanes.WAITING_IN_LANES", 2)
        lanes, gate, last = Lanes(), asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            await gate.wait()

        lanes.run("a", wait)
        lanes.run("a", lambda: log.append("one"))
        lanes.run("a", last.set)
        with pytest.raises(Busy):
            lanes.run("a", lambda: log.append("too many"))
        gate.set()
        await asyncio.wait_for(last.wait(), 5)
        assert log == ["one"]

    async def test_after_stop_nothing_more_is_done(self, log: list[str]) -> None:
        lanes, gate = Lanes(), asyncio.Event()

        async def wait() -> None:
            try:
                await gate.wait()
            finally:
                log.append("cancelled")

        lanes.run("a", wait)
        lanes.run("a", lambda: log.append("never"))
        await asyncio.sleep(0)  # it has begun to wait
        lanes.stop()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert log == ["cancelled"]


class TestNames:
    def test_no_two_tenants_share_a_group(self) -> None:
        one, two, ident = uuid4(), uuid4(), uuid4()
        named = [
            [groups.inbox(tenant), groups.here(tenant), groups.room(tenant, ident), groups.person(tenant, ident)]
            for tenant in (one, two)
        ]
        names = [*named[0], *named[1], groups.PROCESSES]
        assert len(set(names)) == len(names)

    def test_every_name_is_one_that_layers_take(self) -> None:
        largest = UUID(int=2**128 - 1)
        for name in (groups.room(largest, largest), groups.person(largest, largest), groups.inbox(largest), groups.PROCESSES):
            assert groups.is_valid(name)
        assert not groups.is_valid("no spaces")
        assert not groups.is_valid("x" * 100)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_a_frame_holds_its_text_whatever_the_size(size: int) -> None:
    assert list(payloads(frame(b"x" * size))) == [b"x" * size]


def test_frames_in_one_piece_come_apart_as_they_were() -> None:
    texts = [b"x" * size for size in (1, 125, 126, 70_000, 0, 40_000, 30_000)]
    pieces = together([frame(text) for text in texts])
    assert len(pieces) < len(texts)
    assert [text for piece in pieces for text in payloads(piece)] == texts
    assert together([]) == []
