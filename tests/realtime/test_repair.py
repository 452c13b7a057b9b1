"""What one process mends by itself: holes, losses of the bus, and a history that could not be read."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError

from chat import metrics
from chat.consumers import joining
from chat.consumers.joining import join
from chat.realtime import groups
from chat.realtime import local as locals_
from chat.realtime.expulsion import all_out, out_of_room
from chat.realtime.hub import Hub
from chat.realtime.session import Session
from chat.selectors.messages import Head, heads
from saas.core.errors import NotFound
from tenants.context import TenantRef, run_on_platform
from tenants.reading import read_in_tenant
from tenants.tokens import Principal
from tests.support import talk
from tests.support.patience import PATIENCE
from tests.support.sessions import Sink, at, comes_true, session_of


async def joined(hub: Hub, tenant: TenantRef, who: Principal, room: UUID) -> tuple[Session, Sink]:
    session, sink = session_of(tenant, who)
    hub.enter(session)
    await join(session, room)
    return session, sink


def text(seq: int) -> bytes:
    return json.dumps({"t": "msg", "seq": seq}).encode()


def seqs(sink: Sink) -> list[int]:
    return [frame["seq"] for frame in sink.came("msg")]


async def soon(sink: Sink, wanted: Sequence[int]) -> None:
    async with asyncio.timeout(PATIENCE):
        while seqs(sink) != list(wanted):
            await asyncio.sleep(0.01)


def failing_with(error: Exception) -> Any:
    async def fail(*_args: Any, **_fields: Any) -> None:
        raise error

    return fail


async def test_a_socket_whose_catch_up_failed_is_still_in_the_room(
    hub: Hub, acme: TenantRef, vic: Principal, room: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, sink = await joined(hub, acme, vic, room)
    monkeypatch.setattr(joining, "_read", failing_with(OperationalError("no database")))
    catch_up = asyncio.create_task(join(session, room, after=2))
    await asyncio.sleep(0)
    hub.publish(acme, room, [(3, text(3))])  # while it reads
    with pytest.raises(OperationalError):
        await catch_up
    hub.publish(acme, room, [(4, text(4))])
    assert seqs(sink) == [3, 4]
    assert room in session.rooms


async def test_a_socket_that_may_not_see_the_room_any_more_is_out_of_it(
    hub: Hub, acme: TenantRef, vic: Principal, room: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, sink = await joined(hub, acme, vic, room)
    monkeypatch.setattr(joining, "_read", failing_with(NotFound("There is no such room.")))
    with pytest.raises(NotFound):
        await join(session, room, after=2)
    hub.publish(acme, room, [(3, text(3))])
    assert seqs(sink) == []
    assert room not in session.rooms
    assert hub.room(acme, room) is None


async def test_a_first_join_that_failed_leaves_nothing(
    hub: Hub, acme: TenantRef, vic: Principal, room: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "_read", failing_with(OperationalError("no database")))
    with pytest.raises(OperationalError):
        await joined(hub, acme, vic, room)
    assert hub.room(acme, room) is None


async def test_one_who_left_while_joining_is_not_in_the_room(hub: Hub, acme: TenantRef, vic: Principal, room: UUID) -> None:
    session, sink = await joined(hub, acme, vic, room)
    again = await hub.enter_room(session, room)
    hub.leave_room(session, room)
    before = len(sink.frames)
    hub.settle_room(session, again, head=at(2), writable=True, joined=b'{"t":"joined"}')
    assert (len(sink.frames), session.rooms, hub.room(acme, room)) == (before, {}, None)


@pytest.mark.parametrize("order", [out_of_room, all_out])
async def test_who_is_put_out_while_joining_leaves_no_room_behind(
    hub: Hub, acme: TenantRef, vic: Principal, room: UUID, order: Callable[..., Any]
) -> None:
    session, sink = session_of(acme, vic)
    hub.enter(session)
    place = await hub.enter_room(session, room)
    hub.others.obey_out(place.group, order(vic.id) if order is out_of_room else order())
    hub.settle_room(session, place, head=at(2), writable=True, joined=b'{"t":"joined"}')
    assert (len(sink.came("left")), sink.came("joined"), session.rooms) == (1, [], {})
    assert hub.room(acme, room) is None


async def test_who_is_put_out_while_joining_closes_the_room_on_nobody_else(
    hub: Hub, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
) -> None:
    _, inbox = await joined(hub, acme, agent_ben, room)
    session, _ = session_of(acme, vic)
    hub.enter(session)
    place = await hub.enter_room(session, room)
    hub.others.obey_out(place.group, out_of_room(vic.id))
    hub.publish(acme, room, [(3, text(3))])
    assert hub.room(acme, room) is place
    assert seqs(inbox) == [3]


async def test_a_hole_that_nothing_fills_lets_the_rest_through(hub: Hub, acme: TenantRef, vic: Principal, room: UUID) -> None:
    _session, sink = await joined(hub, acme, vic, room)  # head 2
    hub.publish(acme, room, [(5, text(5))])  # 3 and 4 were erased
    await soon(sink, [5])
    place = hub.room(acme, room)
    assert place
    await comes_true(lambda: not place.repairing)


async def test_a_hole_is_filled_from_the_database(hub: Hub, acme: TenantRef, vic: Principal, room: UUID) -> None:
    _session, sink = await joined(hub, acme, vic, room)
    await run_on_platform(talk.say, acme, room, vic, "three", "four", "five")
    hub.publish(acme, room, [(5, text(5))])
    await soon(sink, [3, 4, 5])


class TestALineThatIsStoredAndNotYetTold:
    """Who joins in that moment reads further than this process has heard."""

    @pytest.fixture
    def reads(self, monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
        """The rooms that are read again."""
        read: list[UUID] = []

        async def noted(tenant: TenantRef, fn: Any, *asked: Any) -> Any:
            read.append(asked[0])
            return await read_in_tenant(tenant, fn, *asked)

        monkeypatch.setattr(locals_, "read_in_tenant", noted)
        return read

    @pytest.fixture
    async def early(self, hub: Hub, acme: TenantRef, vic: Principal, room: UUID) -> Sink:
        """One who was there before it was stored."""
        _, sink = await joined(hub, acme, vic, room)
        await run_on_platform(talk.say, acme, room, vic, "three")
        return sink

    @staticmethod
    async def repaired(hub: Hub, acme: TenantRef, room: UUID) -> None:
        place = hub.room(acme, room)
        assert place
        await comes_true(lambda: not place.repairing)

    async def test_comes_by_itself_and_nothing_is_read_for_it(
        self, hub: Hub, acme: TenantRef, agent_ben: Principal, room: UUID, reads: list[UUID], early: Sink
    ) -> None:
        before = metrics.REPAIRS.of["mended"]
        await joined(hub, acme, agent_ben, room)
        hub.publish(acme, room, [(3, text(3))])
        await self.repaired(hub, acme, room)
        assert (seqs(early), reads, metrics.REPAIRS.of["mended"]) == ([3], [], before)

    async def test_is_read_if_it_does_not_come(
        self, hub: Hub, acme: TenantRef, agent_ben: Principal, room: UUID, reads: list[UUID], early: Sink
    ) -> None:
        before = metrics.REPAIRS.of["mended"]
        await joined(hub, acme, agent_ben, room)
        await self.repaired(hub, acme, room)
        assert (seqs(early), reads, metrics.REPAIRS.of["mended"]) == ([3], [room], before + 1)

    async def test_whose_number_alone_was_told_is_read_once(
        self, hub: Hub, acme: TenantRef, agent_ben: Principal, room: UUID, reads: list[UUID], early: Sink
    ) -> None:
        await joined(hub, acme, agent_ben, room)
        hub.local.reaches(groups.room(acme.id, room), 9)  # a number of another history, told late
        await self.repaired(hub, acme, room)
        hub.publish(acme, room, [(4, text(4))])
        assert (seqs(early), reads) == ([3, 4], [room])


async def test_a_history_that_nobody_here_has_read_is_not_repaired(hub: Hub, acme: TenantRef, vic: Principal, room: UUID) -> None:
    await joined(hub, acme, vic, room)
    place = hub.room(acme, room)
    assert place
    hub.local.compare(place, at(7))
    assert not place.repairing


async def test_all_rooms_are_compared_with_one_query_for_a_tenant(
    hub: Hub, acme: TenantRef, vic: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = [await run_on_platform(talk.room_of, acme, vic, "one") for _ in range(8)]
    sinks = [(await joined(hub, acme, vic, room))[1] for room in rooms]
    for room in rooms[:3]:
        await run_on_platform(talk.say, acme, room, vic, "two")
    asked: list[int] = []

    def counted(ids: Sequence[UUID]) -> dict[UUID, Head]:
        asked.append(len(ids))
        return heads(ids)

    monkeypatch.setattr(locals_, "heads", counted)
    await hub.local.compare_all()
    for number, sink in enumerate(sinks):
        await soon(sink, [2] if number < 3 else [])
    assert asked == [8]


async def test_a_tenant_that_cannot_be_read_keeps_no_other_from_being_repaired(
    hub: Hub, acme: TenantRef, globex: TenantRef, vic: Principal, val: Principal, room: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = await run_on_platform(talk.room_of, globex, val, "one")
    await joined(hub, globex, val, theirs)  # the first that is looked at
    _session, sink = await joined(hub, acme, vic, room)
    await run_on_platform(talk.say, acme, room, vic, "three")

    async def reads(tenant: TenantRef, *asked: Any) -> Any:
        if tenant == globex:
            raise OperationalError("its tables are held")
        return await read_in_tenant(tenant, *asked)

    monkeypatch.setattr(locals_, "read_in_tenant", reads)
    await hub.local.compare_all()
    await soon(sink, [3])
