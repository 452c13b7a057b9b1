"""A thousand people in one place: what each of them does may cost a frame for everyone, but not for everyone at once."""

import asyncio
from uuid import UUID, uuid4

import pytest

from chat.consumers.frames import handle
from chat.consumers.polling import crowds_of
from chat.realtime.here import GATHER_SECONDS
from chat.realtime.hub import Hub
from chat.realtime.protocol.codes import MAX_NAMED
from chat.realtime.protocol.incoming import Read, Typing
from chat.realtime.protocol.outgoing import Person
from chat.realtime.room import LocalRoom
from chat.realtime.session import Session
from tenants.context import TenantRef
from tests.support.sessions import Sink, at, comes_true, session_of, someone

Crowd = list[tuple[Session, Sink]]


async def gather(hub: Hub, tenant: TenantRef, count: int, *, room: UUID | None = None, kind: str = "visitor") -> Crowd:
    """So many people with a socket each, in the room if one is named."""
    crowd = [session_of(tenant, someone(tenant, kind, f"{kind} {n}")) for n in range(count)]
    for session, _sink in crowd:
        hub.enter(session)
        if room:
            await enter(hub, session, room)
    return crowd


async def enter(hub: Hub, session: Session, room_id: UUID) -> LocalRoom:
    room = await hub.enter_room(session, room_id)
    hub.settle_room(session, room, head=at(9), writable=True, joined=b'{"t":"joined"}')
    return room


def frames(crowd: Crowd, frame_type: str) -> int:
    return sum(len(sink.came(frame_type)) for _session, sink in crowd)


async def test_the_lines_of_one_flush_reach_each_reader_in_one_write(hub: Hub, acme: TenantRef) -> None:
    room_id = uuid4()
    crowd = await gather(hub, acme, 5, room=room_id)
    before = [sink.writes for _session, sink in crowd]
    hub.publish(acme, room_id, [(seq, b'{"t":"msg","seq":%d}' % seq) for seq in range(10, 40)])
    assert [sink.writes for _session, sink in crowd] == [one + 1 for one in before]
    for _session, sink in crowd:
        assert [frame["seq"] for frame in sink.came("msg")] == list(range(10, 40))


async def test_those_who_join_a_crowd_are_not_announced_one_by_one(hub: Hub, acme: TenantRef) -> None:
    crowd = await gather(hub, acme, 300, room=uuid4())
    assert frames(crowd, "people") <= MAX_NAMED**2
    await comes_true(lambda: all(sink.frames[-1].get("count") == 300 for _session, sink in crowd))
    assert frames(crowd, "people") <= MAX_NAMED**2 + 2 * 300


async def test_a_crowd_is_counted_over_all_processes(hub: Hub, acme: TenantRef) -> None:
    room_id = uuid4()
    crowd = await gather(hub, acme, 30, room=room_id)
    room = hub.room(acme, room_id)
    assert room
    assert not room.crowded
    room.people.heard("another process", on=[Person("visitor", uuid4(), "Val") for _ in range(30)])
    assert room.crowded
    before = frames(crowd, "people")
    await gather(hub, acme, 5, room=room_id)
    assert frames(crowd, "people") == before
    assert len(room.named()) == 20


async def test_who_polls_is_told_samples_of_crowds_alone(hub: Hub, acme: TenantRef) -> None:
    few, many = uuid4(), uuid4()
    crowd = await gather(hub, acme, MAX_NAMED, room=few)
    for session, _sink in crowd:
        await enter(hub, session, many)
    assert crowds_of(crowd[0][0]) == set()
    await gather(hub, acme, 1, room=many)
    assert crowds_of(crowd[0][0]) == {str(many)}


async def test_a_crowd_that_types_is_told_of_a_few(hub: Hub, acme: TenantRef) -> None:
    room_id = uuid4()
    crowd = await gather(hub, acme, 120, room=room_id)
    began = hub.loop.time()
    for session, _sink in crowd:
        assert handle(session, Typing(room=room_id, on=True)) is None
    most = 11 + 2 * (hub.loop.time() - began)  # ten at once, and two more in each second
    assert 0 < frames(crowd, "typing") <= most * 120


async def test_in_a_small_room_everyone_is_seen_typing(hub: Hub, acme: TenantRef) -> None:
    room_id = uuid4()
    crowd = await gather(hub, acme, 12, room=room_id)
    for session, _sink in crowd:
        handle(session, Typing(room=room_id, on=True))
    assert frames(crowd, "typing") == 12 * 12


async def test_typing_that_never_began_does_not_end(hub: Hub, acme: TenantRef) -> None:
    room_id = uuid4()
    crowd = await gather(hub, acme, 2, room=room_id)
    for _ in range(50):
        handle(crowd[0][0], Typing(room=room_id, on=False))
    assert frames(crowd, "typing") == 0
    for on in (True, False, False):
        handle(crowd[0][0], Typing(room=room_id, on=on))
    assert [frame["on"] for frame in crowd[1][1].came("typing")] == [True, False]


async def test_a_mark_in_a_crowd_goes_to_its_owner_only(hub: Hub, acme: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.marks, "note", lambda *_: None)
    room_id = uuid4()
    crowd = await gather(hub, acme, 80, room=room_id)
    handle(crowd[0][0], Read(room=room_id, seq=9))
    assert [frame["seq"] for frame in crowd[0][1].came("marks")] == [9]
    assert frames(crowd, "marks") == 1


async def test_a_mark_comes_once_to_each_tab_of_its_owner(hub: Hub, acme: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.marks, "note", lambda *_: None)
    room_id = uuid4()
    [(here, sink), _other] = await gather(hub, acme, 2, room=room_id)
    elsewhere, listing = session_of(acme, here.principal)  # has the list of rooms before them, not the room
    hub.enter(elsewhere)
    handle(here, Read(room=room_id, seq=9))
    assert (len(sink.came("marks")), len(listing.came("marks"))) == (1, 1)


async def test_an_agent_hears_of_all_who_came_at_once(hub: Hub, acme: TenantRef) -> None:
    [(_agent, inbox)] = await gather(hub, acme, 1, kind="agent")
    crowd = await gather(hub, acme, 1_200)

    def told() -> list[str]:
        return [one["id"] for frame in inbox.came("presence") for one in frame.get("visitors", ())]

    await comes_true(lambda: len(told()) >= len(crowd))
    assert sorted(told()) == sorted(str(session.principal.id) for session, _sink in crowd)


async def test_one_more_tab_of_an_agent_is_no_news_for_visitors(hub: Hub, acme: TenantRef) -> None:
    crowd = await gather(hub, acme, 3)
    [(agent, _inbox)] = await gather(hub, acme, 1, kind="agent")
    await comes_true(lambda: frames(crowd, "presence"))
    assert frames(crowd, "presence") == 3
    hub.enter(session_of(acme, agent.principal)[0])
    await asyncio.sleep(GATHER_SECONDS + 0.1)
    assert frames(crowd, "presence") == 3


async def test_nothing_is_kept_of_those_who_left(hub: Hub, acme: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.realtime.here.LINGER_SECONDS", 0.01)
    crowd = await gather(hub, acme, 60, room=uuid4())
    for session, _sink in crowd:
        hub.leave(session)
    await comes_true(lambda: not hub.local.tenants)
    assert (hub.local.rooms, hub.local.groups, hub.local.tenants, hub._sessions) == ({}, {}, {}, set())
    assert all(not session.rooms for session, _sink in crowd)
