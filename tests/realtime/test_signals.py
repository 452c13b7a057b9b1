"""How far somebody has read: told at once, and to one who reads very fast no more than the others can bear."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from chat.consumers.frames import handle
from chat.consumers.joining import join
from chat.realtime.hub import Hub
from chat.realtime.protocol.incoming import Read
from chat.realtime.session import Session
from saas.core.ratelimit import Limit
from tenants.context import TenantRef, run_on_platform
from tenants.tokens import Principal
from tests.support import talk
from tests.support.patience import PATIENCE
from tests.support.sessions import Sink, at, session_of, someone

FEW = Limit("chat.read.test", 3, 6.0, "socket")  # no fourth while a test says what it has to say
HEAD = 200


@pytest.fixture
def noted(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The marks that were taken to be stored, in a hub whose sockets may say three at once."""
    found: list[int] = []
    monkeypatch.setattr("chat.realtime.session.READ_PER_SOCKET", FEW)
    monkeypatch.setattr(hub.marks, "note", lambda _session, _room, seq: found.append(seq))
    return found


async def inside(hub: Hub, tenant: TenantRef, *rooms: UUID) -> tuple[Session, Sink]:
    """Somebody who is in these rooms."""
    session, sink = session_of(tenant, someone(tenant))
    hub.enter(session)
    for room_id in rooms:
        room = await hub.enter_room(session, room_id)
        hub.settle_room(session, room, head=at(HEAD), writable=True, joined=b'{"t":"joined"}')
    return session, sink


def marks(sink: Sink, room: UUID) -> list[int]:
    return [frame["seq"] for frame in sink.came("marks") if frame["room"] == str(room)]


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not met():
            await asyncio.sleep(0.01)


async def test_a_pace_that_people_read_at_is_told_as_it_is(hub: Hub, acme: TenantRef, noted: list[int]) -> None:
    room = uuid4()
    reader, _sink = await inside(hub, acme, room)
    _other, heard = await inside(hub, acme, room)
    for seq in (1, 2, 3):
        handle(reader, Read(room=room, seq=seq))
    assert marks(heard, room) == noted == [1, 2, 3]


async def test_of_marks_that_come_too_fast_the_newest_is_told_a_moment_later(hub: Hub, acme: TenantRef, noted: list[int]) -> None:
    room, beside = uuid4(), uuid4()
    reader, own = await inside(hub, acme, room, beside)
    _other, heard = await inside(hub, acme, room, beside)
    for seq in range(1, HEAD + 1):
        handle(reader, Read(room=room, seq=seq))
    handle(reader, Read(room=beside, seq=7))
    assert noted == [*range(1, HEAD + 1), 7]
    assert marks(heard, room) == [1, 2, 3]
    await until(lambda: bool(marks(heard, beside)))
    assert [marks(heard, room), marks(heard, beside)] == [[1, 2, 3, HEAD], [7]]
    assert marks(own, room)[-1] == HEAD
    assert own.came("err") == []


def leaves_the_room(hub: Hub, reader: Session, room: UUID) -> None:
    hub.leave_room(reader, room)


def goes(hub: Hub, reader: Session, _room: UUID) -> None:
    hub.leave(reader)


@pytest.mark.parametrize("ends", [leaves_the_room, goes])
async def test_the_newest_mark_of_who_leaves_is_told_then(
    hub: Hub, acme: TenantRef, noted: list[int], ends: Callable[[Hub, Session, UUID], None]
) -> None:
    room, beside = uuid4(), uuid4()
    reader, own = await inside(hub, acme, room, beside)
    tab, elsewhere = session_of(acme, reader.principal)
    hub.enter(tab)  # of the same person, in no room
    _other, heard = await inside(hub, acme, room, beside)
    for seq in range(1, 9):
        handle(reader, Read(room=room, seq=seq))
    ends(hub, reader, room)
    assert marks(heard, room) == marks(elsewhere, room) == [1, 2, 3, 8]
    assert reader.untold == {}
    assert (marks(own, room)[-1] == 8) is (ends is leaves_the_room), "an ended socket was written to"
    await until(lambda: not reader.read_wait())
    assert marks(heard, room) == [1, 2, 3, 8]


async def test_who_read_more_than_the_room_has_heard_here_has_read_it(
    hub: Hub, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID, noted: list[int]
) -> None:
    """Two lines were stored, and what tells of them was lost: who comes in reads them in the history, before the room hears."""
    (other, heard), (reader, _sink) = session_of(acme, vic), session_of(acme, agent_ben)
    hub.enter(other)
    await join(other, room)  # head 2
    await run_on_platform(talk.say, acme, room, vic, "three", "four")
    hub.enter(reader)
    await join(reader, room)
    handle(reader, Read(room=room, seq=9))
    assert (noted, marks(heard, room)) == ([4], [4])
    await until(lambda: [frame["seq"] for frame in heard.came("msg")] == [3, 4])
