"""The bus on a layer that is slow, away, or only in memory."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer

from chat.realtime import bus as module
from chat.realtime.bus import Bus


class Layer:
    """A channel layer that takes its time, or refuses; it keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[str]]] = []
        self.groups: set[str] = set()
        self.add_seconds = self.send_seconds = 0.0
        self.refuses = False

    async def new_channel(self, prefix: str) -> str:
        return prefix

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
        self.sent.append((group, [item["k"] for item in message["items"]]))

    def said(self, group: str) -> list[str]:
        return [kind for name, kinds in self.sent if name == group for kind in kinds]


@pytest.fixture
def layer(monkeypatch: pytest.MonkeyPatch) -> Layer:
    layer = Layer()
    monkeypatch.setattr(module, "get_channel_layer", lambda: layer)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)
    return layer


@pytest.fixture
async def bus(layer: Layer) -> AsyncIterator[Bus]:
    bus = Bus(lambda *_: None, lambda: None, lambda: None)
    bus.start()
    yield bus
    await bus.stop()


async def until_said(layer: Layer, group: str, kinds: list[str]) -> None:
    async with asyncio.timeout(10):
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
    async with asyncio.timeout(10):
        while "g999" not in layer.groups:
            await asyncio.sleep(0.01)
    assert not bus.down
    assert bus._awaited == {}


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
    async with asyncio.timeout(10):
        while not bus.down:
            await asyncio.sleep(0.01)
    layer.refuses = False
    await until_said(layer, "person", ["end", "forget"])


async def test_it_does_not_stop_before_all_is_said(layer: Layer, bus: Bus) -> None:
    layer.send_seconds = 0.1
    bus.say("one", {"k": "end"})
    bus.say("two", {"k": "end"})
    await bus.stop()
    assert (layer.said("one"), layer.said("two")) == (["end"], ["end"])


async def test_alone_in_memory_it_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "get_channel_layer", InMemoryChannelLayer)
    bus = Bus(lambda *_: None, lambda: None, lambda: None)
    bus.start()
    bus.subscribe("room")
    await bus.subscribed("room")
    bus.say("room", {"k": "m"})
    assert (bus._tasks, bus._said, bus._wake.is_set()) == ([], {}, False)
