"""Lists that may lack something are read again: who is told so, when, and how a process finds out."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from chat.notifications import a_send_notification
from chat.realtime import resyncs as module
from chat.realtime.groups import PROCESSES
from chat.realtime.hub import Hub
from chat.realtime.line import Line
from chat.realtime.others import Others
from chat.realtime.resyncs import Resyncs
from tenants.context import TenantRef, run_on_platform
from tenants.reading import read_in_tenant
from tests.support.cast import MakeTenant
from tests.support.sessions import Sink, session_of, someone
from tests.support.shop import Shop, shop_of

SOON = 5.0


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHER_SECONDS", 0.05)
    monkeypatch.setattr(module, "SPREAD_SECONDS", 0.01)


@pytest.fixture
async def resyncs(hub: Hub) -> AsyncIterator[Resyncs]:
    resyncs = Resyncs(hub.local)
    yield resyncs
    resyncs.stop()


def agent_of(hub: Hub, tenant: TenantRef, who: Any = None) -> Sink:
    session, sink = session_of(tenant, who or someone(tenant, "agent"))
    hub.enter(session)
    return sink


async def hears(sink: Sink, frame_type: str, times: int = 1) -> None:
    async with asyncio.timeout(SOON):
        while len(sink.came(frame_type)) < times:
            await asyncio.sleep(0.005)


class TestWhoIsTold:
    async def test_agents_whose_groups_lie_there_once_for_all_that_happened(
        self, hub: Hub, resyncs: Resyncs, acme: TenantRef, globex: TenantRef
    ) -> None:
        inboxes, elsewhere = [agent_of(hub, acme) for _ in range(3)], agent_of(hub, globex)
        session, widget = session_of(acme, someone(acme))
        hub.enter(session)
        for _ in range(5):
            resyncs.due(lambda group: acme.id.hex in group)
        for inbox in inboxes:
            await hears(inbox, "resync")
        await asyncio.sleep(0.1)
        assert [len(inbox.came("resync")) for inbox in inboxes] == [1, 1, 1]
        assert (elsewhere.came("resync"), widget.came("resync")) == ([], [])

    async def test_what_happens_behind_it_is_told_again_after_a_pause(
        self, hub: Hub, resyncs: Resyncs, acme: TenantRef, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "PAUSE_SECONDS", 0.2)
        inbox = agent_of(hub, acme)
        resyncs.due(lambda _group: True)
        await hears(inbox, "resync")
        resyncs.due(lambda _group: True)
        await asyncio.sleep(0.1)
        assert len(inbox.came("resync")) == 1
        await hears(inbox, "resync", 2)

    async def test_notifications_come_behind_it_to_whom_they_are_for_oldest_first(
        self, hub: Hub, resyncs: Resyncs, shop: Shop
    ) -> None:
        vic = await shop.visitor()
        rooms = [await _opened(shop, vic) for _ in range(2)]
        inbox, colleague = agent_of(hub, shop.tenant, shop.owner), agent_of(hub, shop.tenant)
        resyncs.due(lambda _group: True)
        await hears(inbox, "notice", 2)
        assert [notice["room"] for notice in inbox.came("notice")] == rooms
        assert [frame["t"] for frame in inbox.frames if frame["t"] in {"resync", "notice"}] == ["resync", "notice", "notice"]
        assert colleague.came("notice") == []

    async def test_a_tenant_that_cannot_be_read_keeps_nobody_uninformed(
        self, hub: Hub, resyncs: Resyncs, shop: Shop, make_tenant: MakeTenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = await run_on_platform(shop_of, make_tenant)

        async def reads(tenant: TenantRef, *asked: Any) -> Any:
            if tenant == shop.tenant:
                await asyncio.Event().wait()
            return await read_in_tenant(tenant, *asked)

        monkeypatch.setattr(module, "read_in_tenant", reads)
        await _opened(other, await other.visitor())
        stuck, inbox = agent_of(hub, shop.tenant, shop.owner), agent_of(hub, other.tenant, other.owner)
        resyncs.due(lambda _group: True)
        await hears(inbox, "notice")
        await hears(stuck, "resync")


async def _opened(shop: Shop, who: Any) -> str:
    """A room of theirs, of which the owner has an unseen notification."""
    room = await shop.room(who, "hello")
    words: dict[str, Any] = {"category": "rooms", "kind": "room_opened", "title": "New", "url": "/", "room": room}
    await a_send_notification(shop.tenant, [shop.owner.id], **words)
    return str(room)


class Wire:
    """A layer that brings everything back, unless it is cut; `heard` is what others would hear."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.heard: list[dict[str, Any]] = []
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
        self.heard += [item for items in message["said"].values() for item in items]
        if not self.is_deaf:
            self.queue.put_nowait(message)

    def said(self, kind: str) -> list[dict[str, Any]]:
        return [item for item in self.heard if item["k"] == kind]


@pytest.fixture
async def wired(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Wire, Line, list[str]]]:
    """A line over such a layer, and what it says of itself."""
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
        missed=lambda _line: told.append("missed"),
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


class TestWhatOthersSay:
    @pytest.fixture
    async def others(self, hub: Hub, acme: TenantRef) -> AsyncIterator[tuple[Others, Sink]]:
        """This process's end; all tenants lie on the first line."""
        hub.others.bus.lie_with = lambda beat: lambda _group: beat == PROCESSES  # type: ignore[method-assign]
        yield hub.others, agent_of(hub, acme)
        hub.others.resyncs.stop()

    async def test_a_loss_is_heeded_once_though_it_is_said_twice(
        self, others: tuple[Others, Sink], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
        end, inbox = others
        end.hear(PROCESSES, "they", [{"k": "lost", "n": 1}])
        await hears(inbox, "resync")
        end.hear(PROCESSES, "they", [{"k": "lost", "n": 1}])
        end.hear(f"{PROCESSES}.1", "they", [{"k": "lost", "n": 1}])  # on a line on which nobody is
        await asyncio.sleep(0.2)
        assert len(inbox.came("resync")) == 1
        end.hear(PROCESSES, "they", [{"k": "lost", "n": 2}])
        await hears(inbox, "resync", 2)

    async def test_a_process_that_did_not_run_tells_its_agents(
        self, others: tuple[Others, Sink], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        end, inbox = others
        with monkeypatch.context() as of_several:
            of_several.setattr(end.bus, "alone", False)
            of_several.setattr(end.attendance, "exchange", lambda: None)
            end._slept(60)
        await hears(inbox, "resync")

    async def test_who_had_lost_all_others_owns_up_to_the_first_who_is_back(
        self, others: tuple[Others, Sink], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        end, _inbox = others
        admitted: list[bool] = []
        monkeypatch.setattr(end.bus, "admit", lambda: admitted.append(True))
        end.hear(PROCESSES, "they", [{"k": "beat"}])
        assert admitted == []  # before, there was nobody who could have missed anything
        end._lose_all("they")
        end.hear(PROCESSES, "they", [{"k": "beat"}])
        assert admitted == [True]
