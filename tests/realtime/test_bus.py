"""The bus on a layer that is slow, away, or only in memory."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from channels.layers import InMemoryChannelLayer

from chat.realtime import bus as module
from chat.realtime import line as line_module
from chat.realtime.bus import Bus, number_among
from chat.realtime.groups import PROCESSES
from saas.layers import names_of
from tests.support.patience import PATIENCE


class Layer:
    """A channel layer that takes its time, or refuses; it keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[str]]] = []
        self.groups: set[str] = set()
        self.add_seconds = self.send_seconds = 0.0
        self.refuses = False
        self.messages = 0

    async def new_channel(self, prefix: str) -> str:
        return prefix

    async def send(self, _channel: str, _message: dict[str, Any]) -> None:
        """What a process says to itself comes to nobody."""

    async def receive(self, _channel: str) -> dict[str, Any]:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def group_add(self, group: str, _channel: str) -> None:
        await asyncio.sleep(self.add_seconds)
        self.groups.add(group)

    async def group_discard(self, group: str, _channel: str) -> None:
        self.groups.discard(group)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await asyncio.sleep(self.send_seconds)
        if self.refuses:
            raise ConnectionError("no Redis")
        self.sent += [(name, [item["k"] for item in items]) for name, items in message["said"].items()]
        self.messages += 1

    def said(self, group: str) -> list[str]:
        return [kind for name, kinds in self.sent if name == group for kind in kinds]


@pytest.fixture
def layer(monkeypatch: pytest.MonkeyPatch) -> Layer:
    """One that is as slow as it says and no slower, however long this process stands still."""
    layer = Layer()
    monkeypatch.setattr(line_module, "SEND_SECONDS", 60.0)
    monkeypatch.setattr(module, "get_channel_layer", lambda _alias: layer)
    monkeypatch.setattr(line_module, "RETRY_SECONDS", 0.05)
    return layer


@pytest.fixture
async def bus(layer: Layer) -> AsyncIterator[Bus]:
    bus = Bus(lambda *_: None, lambda: None, lambda: None)
    bus.start()
    yield bus
    await bus.stop()


async def until_said(layer: Layer, group: str, kinds: list[str]) -> None:
    async with asyncio.timeout(PATIENCE):
        while layer.said(group) != kinds:
            await asyncio.sleep(0.01)


async def test_a_thousand_new_groups_do_not_silence_the_rest(layer: Layer, bus: Bus) -> None:
    layer.add_seconds = 0.001
    for number in range(1_000):
        bus.subscribe(f"g{number}")
    bus.say("room", {"k": "m"})
    await until_said(layer, "room", ["m"])
    assert len(layer.groups) < 1_000
    await bus.subscribed("g999")
    async with asyncio.timeout(PATIENCE):
        while "g999" not in layer.groups:
            await asyncio.sleep(0.01)
    assert not bus.down
    assert bus._lines[0]._awaited == {}


async def test_a_group_that_nobody_wants_any_more_is_left(layer: Layer, bus: Bus) -> None:
    bus.subscribe("room")
    await bus.subscribed("room")
    assert "room" in layer.groups
    bus.unsubscribe("room")
    bus.say("after", {"k": "m"})
    await until_said(layer, "after", ["m"])
    assert "room" not in layer.groups


async def test_orders_are_said_again_when_the_layer_is_back(layer: Layer, bus: Bus) -> None:
    layer.refuses = True
    for kind in ("m", "end", "f", "forget"):
        bus.say("person", {"k": kind})
    async with asyncio.timeout(PATIENCE):
        while not bus.down:
            await asyncio.sleep(0.01)
    layer.refuses = False
    await until_said(layer, "person", ["end", "forget"])


async def test_orders_find_room_where_other_news_are_dropped(layer: Layer, bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "MAX_WAITING", 3)
    for kind in ("m", "m", "m", "m", "end", "m", "out"):
        bus.say("person", {"k": kind})
    await until_said(layer, "person", ["m", "m", "m", "end", "out"])


async def test_it_does_not_stop_before_all_is_said(layer: Layer, bus: Bus) -> None:
    layer.send_seconds = 0.1
    bus.say("one", {"k": "end"})
    bus.say("two", {"k": "end"})
    await bus.stop()
    assert (layer.said("one"), layer.said("two")) == (["end"], ["end"])


async def test_what_a_tenant_has_to_tell_in_one_turn_is_one_message(layer: Layer, bus: Bus) -> None:
    await until_said(layer, PROCESSES, ["beat"])
    before = layer.messages
    for group in ("t1.r1", "t1.r2", "t1.inbox", "t1.p1"):
        bus.say(group, {"k": "m"})
    await until_said(layer, "t1.p1", ["m"])
    assert layer.messages == before + 1
    assert [layer.said(group) for group in ("t1.r1", "t1.r2", "t1.inbox")] == [["m"]] * 3


async def test_only_wanted_groups_of_a_place_are_heard(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, str]] = []
    bus = Bus(lambda group, process, _items: heard.append((group, process)), lambda: None, lambda: None)
    bus.subscribe("t1.r1")
    bus._lines[0]._take({"process": "other", "said": {"t1.r1": [], "t1.r2": [], "t2.r1": [], PROCESSES: []}})
    bus._lines[0]._take({"process": bus.process, "said": {"t1.r1": []}})
    assert heard == [("t1.r1", "other"), (PROCESSES, "other")]


async def test_to_nobody_only_signs_of_life_are_said(layer: Layer, bus: Bus) -> None:
    bus.heeded = False
    await until_said(layer, PROCESSES, ["beat"])
    bus.say("t1.r1", {"k": "m"})
    bus.say(PROCESSES, {"k": "met"})
    await until_said(layer, PROCESSES, ["beat", "met"])
    assert layer.said("t1.r1") == []
    bus.heeded = True
    bus.say("t1.r1", {"k": "m"})
    await until_said(layer, "t1.r1", ["m"])


async def test_a_stuck_primary_stops_only_what_lies_on_it(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    stuck, well = Layer(), Layer()
    stuck.send_seconds = 3_600
    layers = {"default": stuck, "primary1": well}
    monkeypatch.setattr(module, "get_channel_layer", layers.__getitem__)
    settings.CHANNEL_LAYERS = layers
    failed: list[bool] = []
    two = Bus(lambda *_: None, lambda: failed.append(two.down), lambda: None)
    two.start()
    for number in range(20):
        two.say(f"t{number}.r1", {"k": "m"})
    async with asyncio.timeout(PATIENCE):
        while not failed or sum(layer.said(f"t{number}.r1") == ["m"] for layer in (stuck, well) for number in range(20)) == 0:
            await asyncio.sleep(0.01)
    there = [number for number in range(20) if well.said(f"t{number}.r1")]
    assert failed == [True]
    assert 0 < len(there) < 20
    two.say(f"t{there[0]}.r1", {"k": "f"})
    await until_said(well, f"t{there[0]}.r1", ["m", "f"])
    await two.stop()


async def test_alone_in_memory_it_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "get_channel_layer", lambda _alias: InMemoryChannelLayer())
    bus = Bus(lambda *_: None, lambda: None, lambda: None)
    bus.start()
    bus.subscribe("room")
    await bus.subscribed("room")
    bus.say("room", {"k": "m"})
    assert (bus.alone, bus._lines, bus._groups) == (True, [], {})
    await bus.stop()


PRIMARIES = ["one:6379", "two:6379", "three:6379"]
PLACES = [f"t{uuid4().hex}" for _ in range(2_000)]


class TestWherePlacesLie:
    def test_one_primary_more_moves_only_what_it_gets(self) -> None:
        before, after = number_among(PRIMARIES), number_among([*PRIMARIES, "four:6379"])
        moved = [place for place in PLACES if before(place) != after(place)]
        assert {after(place) for place in moved} == {3}
        assert 0.15 < len(moved) / len(PLACES) < 0.35

    def test_one_that_is_taken_away_moves_only_what_it_had(self) -> None:
        before, after = number_among(PRIMARIES), number_among(PRIMARIES[:2])
        assert all(before(place) == 2 for place in PLACES if before(place) != after(place))

    def test_all_have_about_as_many_whatever_their_order(self) -> None:
        number, turned = number_among(PRIMARIES), number_among(PRIMARIES[::-1])
        shares = [sum(number(place) == which for place in PLACES) / len(PLACES) for which in range(3)]
        assert all(0.25 < share < 0.42 for share in shares)
        assert all(PRIMARIES[number(place)] == PRIMARIES[::-1][turned(place)] for place in PLACES)

    def test_a_primary_is_known_by_its_address(self) -> None:
        urls = ["redis://:old@a.example:6379/0", "rediss://user:new@b.example/1"]
        assert names_of(urls) == ["a.example:6379", "b.example:6379"]

    def test_one_on_a_socket_of_the_machine_is_known_by_its_path(self) -> None:
        assert names_of(["unix://:word@/run/one.sock?db=1", "unix:///run/two.sock"]) == ["/run/one.sock", "/run/two.sock"]

    async def test_a_place_is_looked_up_once(self, layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str] = []

        def number(place: str) -> int:
            asked.append(place)
            return 0

        monkeypatch.setattr(module, "number_among", lambda _names: number)
        bus = Bus(lambda *_: None, lambda: None, lambda: None)
        for _ in range(3):
            bus.say("t1.r1", {"k": "m"})
        assert asked == ["t1"]
