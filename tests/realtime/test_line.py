"""One line of the bus: how it finds out that something was lost, on its own side or that of others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from chat.realtime import numbers as numbers_module
from chat.realtime.groups import PROCESSES
from chat.realtime.line import Line
from chat.realtime.numbers import Numbers

SOON = 30.0


class Wire:
    """A layer that brings everything back, unless it is cut; `heard` is what others would hear."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.heard: list[dict[str, Any]] = []
        self.numbers: list[tuple[str, int]] = []
        self.refuses = self.is_deaf = False
        self.echoes = 0

    async def new_channel(self, prefix: str = "") -> str:
        return prefix

    async def receive(self, _channel: str) -> dict[str, Any]:
        return await self.queue.get()

    async def send(self, _channel: str, message: dict[str, Any]) -> None:
        self.echoes += 1
        if not self.is_deaf:
            self.queue.put_nowait(message)

    async def group_add(self, group: str, channel: str) -> None:
        """Everything is heard."""

    async def group_discard(self, group: str, channel: str) -> None:
        """Nothing is left."""

    async def group_send(self, _group: str, message: dict[str, Any]) -> None:
        if self.refuses:
            raise ConnectionError("no Redis")
        self.numbers += [(message["place"], message["n"])] if "n" in message else []
        self.heard += [item for items in message["said"].values() for item in items]
        if not self.is_deaf:
            self.queue.put_nowait(message)

    def said(self, kind: str) -> list[dict[str, Any]]:
        return [item for item in self.heard if item["k"] == kind]


@pytest.fixture
async def wired(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Wire, Line, list[str]]]:
    """A line over such a layer, and what it says of itself. It beats fast, and is as patient as the shipped one."""
    monkeypatch.setattr("chat.realtime.line.BEAT_SECONDS", 0.05)
    monkeypatch.setattr("chat.realtime.line.ECHO_SECONDS", 0.05)
    monkeypatch.setattr("chat.realtime.line.RETRY_SECONDS", 0.05)
    wire, told = Wire(), list[str]()
    line = Line(
        wire,
        "us",
        beat=PROCESSES,
        hear=lambda *_: None,
        changed=lambda line: told.append("down" if line.down else "up"),
        missed=lambda _line, place: told.append(f"missed {place}".strip()),
    )
    line.start()
    await until(lambda: bool(wire.said("beat")))
    yield wire, line, told
    await line.stop()


async def until(holds: Any) -> None:
    async with asyncio.timeout(SOON):
        while not holds():
            await asyncio.sleep(0.005)


Wired = tuple[Wire, Line, list[str]]


class TestHowAProcessFindsOut:
    async def test_a_line_that_is_back_may_have_missed_something_and_says_so_twice(self, wired: Wired) -> None:
        wire, line, told = wired
        wire.refuses = True
        line.say("t1", "t1.inbox", {"k": "f"})
        await until(lambda: line.down)
        wire.refuses = False
        await until(lambda: len(wire.said("lost")) == 2)
        assert told[:3] == ["down", "up", "missed"]
        assert wire.said("f") == []
        assert [item["n"] for item in wire.said("lost")] == [1, 1]

    async def test_who_does_not_hear_themselves_for_a_moment_missed_something(self, wired: Wired) -> None:
        wire, line, told = wired
        await until(lambda: line._echoed > 0)
        before = wire.echoes
        wire.is_deaf = True  # sent, and not heard: the subscription was cut for a moment
        await until(lambda: wire.echoes > before)
        wire.is_deaf = False
        await until(lambda: told == ["missed"])
        assert not line.down

    async def test_a_line_that_is_well_says_nothing_of_it(self, wired: Wired) -> None:
        wire, line, told = wired
        await until(lambda: len(wire.said("beat")) > 5 and line._echoed > 5)
        assert (told, wire.said("lost")) == ([], [])

    async def test_what_found_no_place_is_owned_up_to(self, wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
        wire, line, _told = wired
        monkeypatch.setattr("chat.realtime.line.MAX_WAITING", 1)
        for _ in range(3):
            line.say("t1", "t1.inbox", {"k": "f"})
        await until(lambda: len(wire.said("lost")) == 2)


class TestWhatNumbersShow:
    """A subscription may be cut for less than the second between two words to oneself."""

    @pytest.fixture
    def hears(self, wired: Wired) -> Callable[..., Awaitable[list[str]]]:
        """What others said comes in; what is known to be missed then."""
        wire, line, told = wired
        line.subscribe("t1")

        async def hears(*numbers: int | None, place: str = "t1", process: str = "they") -> list[str]:
            for number in numbers:
                numbered = {} if number is None else {"place": place, "n": number}
                wire.queue.put_nowait({"process": process, "said": {f"{place}.inbox": []}, **numbered})
            await until(wire.queue.empty)
            return told

        return hears

    async def test_one_that_is_left_out_was_missed_at_that_place(self, hears: Any) -> None:
        assert await hears(7, 8, 9) == []
        assert await hears(3, 4, place=PROCESSES) == []
        assert await hears(11) == ["missed t1"]
        assert await hears(12, 13) == ["missed t1"]

    async def test_one_among_the_beats_was_missed_of_the_whole_line_and_is_known_of_all_places(self, hears: Any) -> None:
        await hears(1)
        await hears(1, place=PROCESSES)
        assert await hears(3, place=PROCESSES) == ["missed"]
        assert await hears(9) == ["missed"]

    @pytest.mark.parametrize("numbers", [(5, 5, 6), (5, 1, 2), (None, 5, None, 6), (2,)])
    async def test_what_is_no_hole(self, hears: Any, numbers: tuple[int | None, ...]) -> None:
        """Said twice; begun anew; from a release that does not count; the first that is heard."""
        assert await hears(*numbers) == []

    async def test_each_process_counts_for_itself(self, hears: Any) -> None:
        await hears(1)
        assert await hears(5, process="others") == []
        assert await hears(2) == []

    async def test_what_was_said_while_nobody_listened_is_not_missed(self, hears: Any, wired: Wired) -> None:
        _wire, line, _told = wired
        await hears(1)
        line.unsubscribe("t1")
        await hears(4)
        line.subscribe("t1")
        assert await hears(9, 10) == []

    async def test_a_process_that_is_gone_leaves_nothing(self, hears: Any, wired: Wired) -> None:
        await hears(1)
        wired[1].numbers.forget("they")
        assert wired[1].numbers._heard == {"t1": {}}

    async def test_what_is_said_has_the_next_number_of_its_place_and_what_failed_has_none(self, wired: Wired) -> None:
        wire, line, _told = wired
        for many in (1, 2):
            line.say("t2", "t2.inbox", {"k": "f"})
            await until(lambda many=many: len(wire.said("f")) == many)
            wire.refuses = True
            line.say("t2", "t2.inbox", {"k": "f"})
            await until(lambda: line.down)
            wire.refuses = False
            await until(lambda: not line.down)
        assert [number for place, number in wire.numbers if place == "t2"] == [1, 2]

    async def test_who_only_rings_the_bell_counts_nothing(self) -> None:
        wire = Wire()
        bell = Line(wire, "bell", beat=PROCESSES, hear=lambda *_: None, changed=lambda _line: None)
        bell.start(hears=False)
        bell.say("t1", "t1.inbox", {"k": "f"})
        await bell.stop()
        assert (len(wire.said("f")), wire.numbers) == (1, [])

    def test_of_places_only_so_many_are_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(numbers_module, "PLACES", 2)
        numbers = Numbers()
        for place in ("t1", "t2", "t1", "t3"):
            numbers.said(place)
        assert [numbers.next(place) for place in ("t1", "t2", "t3")] == [3, 1, 2]
