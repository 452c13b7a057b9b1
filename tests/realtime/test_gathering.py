"""A crowd hears several messages in one write, when the next one is about to be stored; and never later than in a moment."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from chat.realtime import bus as buses
from chat.realtime.append import Row
from chat.realtime.gathering import LONGEST, MANY
from chat.realtime.hub import Hub
from chat.realtime.protocol.outgoing import Author
from chat.realtime.session import Session
from tenants.context import TenantRef
from tests.support.sessions import Sink, at, session_of, someone

Crowd = list[tuple[Session, Sink]]


async def enter(hub: Hub, session: Session, room_id: UUID, *, head: int) -> None:
    room = await hub.enter_room(session, room_id)
    hub.settle_room(session, room, head=at(head), writable=True, joined=b'{"t":"joined"}')


async def crowd_in(hub: Hub, tenant: TenantRef, room_id: UUID, size: int = MANY) -> Crowd:
    crowd = [session_of(tenant, someone(tenant, "visitor", f"visitor {n}")) for n in range(size)]
    for session, _sink in crowd:
        hub.enter(session)
        await enter(hub, session, room_id, head=0)
    return crowd


def say(hub: Hub, tenant: TenantRef, room_id: UUID) -> None:
    """One more message, which waits to be stored."""
    author = Author(kind="visitor", id=uuid4(), name="Vic")
    hub.journal.append(tenant, Row(room_id, author, uuid4(), "hello"), lambda _result: None)


def publish(hub: Hub, tenant: TenantRef, room_id: UUID, *seqs: int) -> None:
    hub.publish(tenant, room_id, [(seq, b'{"t":"msg","seq":%d}' % seq) for seq in seqs])


def told(crowd: Crowd) -> set[tuple[int, ...]]:
    """What the sockets have heard; one sequence if all heard the same."""
    return {tuple(frame["seq"] for frame in sink.came("msg")) for _session, sink in crowd}


async def heard(crowd: Crowd, *seqs: int) -> None:
    async with asyncio.timeout(100 * LONGEST):
        while told(crowd) != {seqs}:
            await asyncio.sleep(0.001)


async def test_with_nothing_behind_it_a_message_goes_at_once(hub: Hub, acme: TenantRef) -> None:
    room = uuid4()
    crowd = await crowd_in(hub, acme, room)
    say(hub, acme, uuid4())  # another room's business
    publish(hub, acme, room, 1)
    assert told(crowd) == {(1,)}


async def test_a_message_waits_for_the_one_behind_it_and_both_are_one_write(hub: Hub, acme: TenantRef) -> None:
    room = uuid4()
    crowd = await crowd_in(hub, acme, room)
    before = [sink.writes for _session, sink in crowd]
    say(hub, acme, room)
    publish(hub, acme, room, 1)
    assert told(crowd) == {()}
    hub.journal._main.waiting.take_tenant(acme.id)  # it is stored
    publish(hub, acme, room, 2)
    assert told(crowd) == {(1, 2)}
    assert [sink.writes for _session, sink in crowd] == [one + 1 for one in before]
    await asyncio.sleep(2 * LONGEST)
    assert told(crowd) == {(1, 2)}, "what went out is not told again"


async def test_however_much_is_behind_it_a_message_waits_for_a_moment_only(hub: Hub, acme: TenantRef) -> None:
    room = uuid4()
    crowd = await crowd_in(hub, acme, room)
    say(hub, acme, room)
    for seq in range(1, 4):
        publish(hub, acme, room, seq)
    assert told(crowd) == {()}
    await heard(crowd, 1, 2, 3)


async def test_in_a_small_room_nothing_waits(hub: Hub, acme: TenantRef) -> None:
    room = uuid4()
    crowd = await crowd_in(hub, acme, room, MANY - 1)
    say(hub, acme, room)
    publish(hub, acme, room, 1)
    assert told(crowd) == {(1,)}


async def test_who_joins_hears_nothing_again_that_their_history_holds(hub: Hub, acme: TenantRef) -> None:
    room = uuid4()
    crowd = await crowd_in(hub, acme, room)
    late, sink = session_of(acme, someone(acme))
    hub.enter(late)
    say(hub, acme, room)
    publish(hub, acme, room, 1)
    await enter(hub, late, room, head=1)
    assert told(crowd) == {(1,)}
    await asyncio.sleep(2 * LONGEST)
    assert told([(late, sink)]) == {()}


async def test_rooms_wait_apart(hub: Hub, acme: TenantRef, globex: TenantRef) -> None:
    busy, quiet = uuid4(), uuid4()
    here, there = await crowd_in(hub, acme, busy), await crowd_in(hub, globex, quiet)
    say(hub, acme, busy)
    publish(hub, acme, busy, 1)
    publish(hub, globex, quiet, 1)
    assert (told(here), told(there)) == ({()}, {(1,)})
    await heard(here, 1)


class Layer:
    """A channel layer that tells when something is sent to a room."""

    def __init__(self, sent: Callable[[], None]) -> None:
        self._sent = sent

    async def new_channel(self, prefix: str) -> str:
        return prefix

    async def receive(self, _channel: str) -> dict[str, Any]:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def group_add(self, _group: str, _channel: str) -> None:
        """It is joined."""

    async def group_send(self, _group: str, message: dict[str, Any]) -> None:
        if any(item["k"] == "m" for items in message["said"].values() for item in items):
            self._sent()


async def test_the_other_processes_hear_it_before_it_is_written_to_a_crowd(
    acme: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = uuid4()
    crowd: Crowd = []
    at_that_time: list[set[tuple[int, ...]]] = []
    monkeypatch.setattr(buses, "get_channel_layer", lambda _alias: Layer(lambda: at_that_time.append(told(crowd))))
    hub = Hub()
    hub.bus.start()
    try:
        crowd += await crowd_in(hub, acme, room)
        publish(hub, acme, room, 1, 2)
        await heard(crowd, 1, 2)
        assert at_that_time == [{()}]
    finally:
        await hub.others.stop()
