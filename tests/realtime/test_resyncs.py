"""Lists that may lack something are read again: who is told so, and when."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from chat.notifications import a_send_notification
from chat.realtime import resyncs as module
from chat.realtime.groups import PROCESSES
from chat.realtime.hub import Hub
from chat.realtime.others import Others
from chat.realtime.resyncs import Resyncs
from tenants.context import TenantRef, run_on_platform
from tenants.reading import read_in_tenant
from tests.support.cast import MakeTenant
from tests.support.notices import unseen_by
from tests.support.sessions import Sink, session_of, someone
from tests.support.shop import Shop, shop_of

SOON = 30.0


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
        monkeypatch.setattr(module, "PAUSE_SECONDS", 1.0)
        inbox = agent_of(hub, acme)
        resyncs.due(lambda _group: True)
        await hears(inbox, "resync")
        resyncs.due(lambda _group: True)
        await asyncio.sleep(0.1)
        assert len(inbox.came("resync")) == 1
        await hears(inbox, "resync", 2)

    async def test_the_pause_is_longer_each_time_that_something_happens_in_it(
        self, hub: Hub, resyncs: Resyncs, acme: TenantRef, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pauses: list[float] = []
        agent_of(hub, acme)

        async def slept(seconds: float) -> None:
            if seconds >= module.PAUSE_SECONDS:
                pauses.append(seconds)
                if len(pauses) % 7:  # the last one is quiet
                    resyncs.due(lambda _group: True)

        monkeypatch.setattr(asyncio, "sleep", slept)
        for _ in range(2):
            resyncs.due(lambda _group: True)
            assert resyncs._round is not None
            await resyncs._round
        assert pauses == [10.0, 10.0, 20.0, 40.0, 80.0, 120.0, 120.0] * 2

    @pytest.mark.parametrize(("others", "seconds"), [(0, 0.02), (4, 0.1)])
    async def test_all_processes_together_tell_no_faster_than_one(
        self, hub: Hub, acme: TenantRef, monkeypatch: pytest.MonkeyPatch, others: int, seconds: float
    ) -> None:
        resyncs, waits = Resyncs(hub.local, lambda: others), list[float]()
        for _ in range(60):
            agent_of(hub, acme)

        async def slept(wait: float) -> None:
            waits.append(wait)

        monkeypatch.setattr(asyncio, "sleep", slept)
        await resyncs._tell({group: resyncs._people(group) for group in hub.local.tenants})
        resyncs.stop()
        assert waits == [seconds] * 60

    async def test_the_processes_that_count_are_those_which_take_sockets(self, hub: Hub) -> None:
        for process, serves in (("sockets", "ws"), ("both", "all"), ("pages", "web")):
            hub.others.hear(PROCESSES, process, [{"k": "beat", "serves": serves}])
        assert hub.others.resyncs._others() == 2

    async def test_a_tenant_with_a_crowd_of_agents_keeps_no_other_waiting(
        self, hub: Hub, resyncs: Resyncs, acme: TenantRef, globex: TenantRef
    ) -> None:
        crowd = [agent_of(hub, acme) for _ in range(30)]
        few = [agent_of(hub, globex) for _ in range(2)]
        when: list[Sink] = []
        for sink in (*crowd, *few):
            note_when(sink, when)
        resyncs.due(lambda _group: True)
        for inbox in crowd:
            await hears(inbox, "resync")
        assert max(when.index(inbox) for inbox in few) <= 3

    async def test_who_left_while_others_were_told_is_told_nothing(self, hub: Hub, resyncs: Resyncs, acme: TenantRef) -> None:
        session, gone = session_of(acme, someone(acme, "agent"))
        hub.enter(session)
        stays = agent_of(hub, acme)
        due = {group: resyncs._people(group) for group in hub.local.tenants}
        hub.leave(session)
        await resyncs._tell(due)
        assert (len(stays.came("resync")), gone.came("resync")) == (1, [])

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

    async def test_behind_them_comes_how_many_there_are(self, hub: Hub, resyncs: Resyncs, shop: Shop) -> None:
        """Of fifty only the newest are told: whoever counted them one by one would not know which are new."""
        await run_on_platform(unseen_by, shop, [shop.owner.id], 50)
        first, second = agent_of(hub, shop.tenant, shop.owner), agent_of(hub, shop.tenant, shop.owner)
        colleague = agent_of(hub, shop.tenant)
        resyncs.due(lambda _group: True)
        for inbox in (first, second):
            await hears(inbox, "seen")
            told = [frame["t"] for frame in inbox.frames if frame["t"] in {"resync", "notice", "seen"}]
            assert told == ["resync", *["notice"] * 20, "seen"]
            assert inbox.came("seen") == [{"t": "seen", "unread": 50}]
        await hears(colleague, "seen")
        assert colleague.came("seen") == [{"t": "seen", "unread": 0}]

    async def test_a_crowd_is_asked_for_in_parts(
        self, hub: Hub, resyncs: Resyncs, acme: TenantRef, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        parts: list[list[UUID]] = []

        async def reads(_tenant: TenantRef, _unseen: Any, people: list[UUID]) -> Any:
            parts.append(people)
            return {}

        monkeypatch.setattr(module, "read_in_tenant", reads)
        monkeypatch.setattr(module, "MOST_PER_SECOND", 10_000)
        team = [someone(acme, "agent") for _ in range(120)]
        for who in team:
            agent_of(hub, acme, who)
        resyncs.due(lambda _group: True)
        await until(lambda: sum(map(len, parts)) == 120)
        assert sorted(map(len, parts)) == [20, 50, 50]
        assert {person for part in parts for person in part} == {who.id for who in team}

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


def note_when(sink: Sink, when: list[Sink]) -> None:
    """Into this list it goes with the `resync` that it hears."""
    write = sink.write

    def noting(text: bytes) -> bool:
        if b"resync" in text:
            when.append(sink)
        return write(text)

    sink.write = noting  # type: ignore[method-assign]


async def until(holds: Any) -> None:
    async with asyncio.timeout(SOON):
        while not holds():
            await asyncio.sleep(0.005)


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

    async def test_a_bell_that_is_heard_no_more_was_nobody_to_lose(
        self, others: tuple[Others, Sink], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        end, _inbox = others
        admitted: list[bool] = []
        monkeypatch.setattr(end.bus, "admit", lambda: admitted.append(True))
        end.hear(PROCESSES, "bell", [{"k": "forget", "tenant": str(uuid4())}])
        end._lose_all("bell")
        end.hear(PROCESSES, "they", [{"k": "beat"}])
        assert admitted == []
