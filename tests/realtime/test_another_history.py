"""A room whose history is another one by now: an archive was restored, or what is too old was deleted. Whoever shows the old one
comes back and reads the new one; nobody else is disturbed.
"""

import json
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.utils import timezone

from chat.consumers.joining import join
from chat.models import Message, Room
from chat.realtime import local as module
from chat.realtime import resyncs
from chat.realtime.hub import Hub
from chat.realtime.protocol.codes import Close
from chat.realtime.session import Session
from chat.selectors.messages import Head, heads
from chat.services.retention import delete_older
from saas.core.ids import uuid7, uuid7_floor
from tenants.context import TenantRef, run_in_tenant, run_on_platform
from tenants.reading import read_in_tenant
from tenants.tokens import Principal
from tests.support import talk
from tests.support.sessions import Sink, comes_true, session_of, someone
from tests.support.shop import Shop


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_SPREAD", 0.05)
    monkeypatch.setattr(resyncs, "GATHER_SECONDS", 0.05)
    monkeypatch.setattr(resyncs, "SPREAD_SECONDS", 0.01)


async def entered(hub: Hub, tenant: TenantRef, who: Principal, room: UUID | None = None) -> tuple[Session, Sink]:
    """A socket of theirs, in the room if one is named."""
    session, sink = session_of(tenant, who)
    hub.enter(session)
    if room:
        await join(session, room)
    return session, sink


def text(seq: int) -> bytes:
    return json.dumps({"t": "msg", "seq": seq}).encode()


def seqs(sink: Sink) -> list[int]:
    return [frame["seq"] for frame in sink.came("msg")]


def restore(room: UUID, seq: int) -> None:
    """The room is as it was when this number was its last."""
    Message.objects.filter(room_id=room, seq__gt=seq).delete()
    Room.objects.filter(id=room).update(last_seq=seq, epoch=uuid7())


def prune(room: UUID) -> None:
    """Its first line is too old, and is deleted."""
    long_ago = timezone.now() - timedelta(days=100)
    Message.objects.filter(room_id=room, seq=1).update(id=uuid7_floor(long_ago))
    assert delete_older(long_ago + timedelta(days=10)) == 1


async def test_who_is_in_the_room_comes_back_and_hears_it(hub: Hub, shop: Shop) -> None:
    """An archive was restored: its numbers begin below those that are known here."""
    who = await shop.visitor()
    room = await shop.room(who, "one", "two", "three")
    before, sink = await entered(hub, shop.tenant, who, room)
    place = hub.room(shop.tenant, room)
    await hub.local.compare_all()
    assert place
    assert before in place.members
    await run_in_tenant(shop.tenant, restore, room, 1)
    await hub.local.compare_all()
    await comes_true(lambda: sink.code is not None)
    assert sink.code == Close.RESTART
    assert sink.frames[-1] == {"t": "bye", "code": Close.RESTART, "after": 0}
    hub.leave(before)
    _session, again = await entered(hub, shop.tenant, who, room)
    hub.publish(shop.tenant, room, [(2, text(2))])
    await comes_true(lambda: seqs(again) == [2])


async def test_nobody_else_is_disturbed_and_the_team_reads_its_lists_again(hub: Hub, shop: Shop) -> None:
    """The night's deletion has come to one room."""
    old, other = await shop.visitor(), await shop.visitor()
    pruned, kept = await shop.room(old, "long ago", "today"), await shop.room(other, "hello")
    _, inside = await entered(hub, shop.tenant, old, pruned)
    _, beside = await entered(hub, shop.tenant, other, kept)
    _, inbox = await entered(hub, shop.tenant, shop.owner)
    await run_in_tenant(shop.tenant, prune, pruned)
    await hub.local.compare_all()
    await comes_true(lambda: inside.code is not None and bool(inbox.came("resync")))
    assert (inside.code, beside.code, inbox.code) == (Close.RESTART, None, None)
    assert beside.came("resync") == []
    hub.publish(shop.tenant, kept, [(2, text(2))])
    assert seqs(beside) == [2]


async def test_a_crowd_goes_at_the_pace_at_which_it_is_welcomed(
    hub: Hub, acme: TenantRef, vic: Principal, room: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    place = await hub.enter_room((await entered(hub, acme, vic, room))[0], room)
    for _ in range(1_400):
        place.enter(session_of(acme, someone(acme))[0])
    with monkeypatch.context() as still:
        still.setattr(hub.loop, "call_later", lambda wait, *_rest: waits.append(wait))
        hub.local.compare(place, Head(2, uuid7()))
    assert len(waits) == 1_401
    assert 1.8 < max(waits) < 1_401 / module.RETURNS_PER_SECOND


async def test_who_read_it_first_stays_and_misses_nothing(hub: Hub, shop: Shop) -> None:
    who = await shop.visitor()
    room = await shop.room(who, "one", "two")
    _, old = await entered(hub, shop.tenant, who, room)
    await run_in_tenant(shop.tenant, restore, room, 1)
    session, sink = session_of(shop.tenant, shop.owner)
    hub.enter(session)
    place = await hub.enter_room(session, room)
    head = (await read_in_tenant(shop.tenant, heads, [room]))[room]
    await run_on_platform(talk.say, shop.tenant, room, who, "another two")
    hub.publish(shop.tenant, room, [(2, text(2))])  # while it reads: known by its number here, and not the same
    hub.settle_room(session, place, head=head, writable=True, joined=b'{"t":"joined"}')
    await comes_true(lambda: seqs(sink) == [2] and old.code is not None)
    assert sink.came("msg")[0]["message"]["text"] == "another two"
    assert (old.code, sink.code) == (Close.RESTART, None)


@pytest.mark.parametrize("leaves", [True, False], ids=["gone", "there"])
async def test_who_has_left_by_then_is_sent_nothing(hub: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch, leaves: bool) -> None:
    who = await shop.visitor()
    room = await shop.room(who, "one", "two")
    session, first = await entered(hub, shop.tenant, who, room)
    _, last = await entered(hub, shop.tenant, shop.owner, room)
    await run_in_tenant(shop.tenant, restore, room, 1)
    head = (await read_in_tenant(shop.tenant, heads, [room]))[room]
    monkeypatch.setattr(module, "random", SimpleNamespace(random=iter([0.0, 1.0]).__next__))
    hub.saw_head(shop.tenant, room, head)
    if leaves:
        hub.leave(session)
    await comes_true(lambda: last.code is not None)
    assert (first.code, len(first.came("bye"))) == ((None, 0) if leaves else (Close.RESTART, 1))


async def test_who_was_reading_the_old_one_does_not_bring_it_back(hub: Hub, shop: Shop) -> None:
    who = await shop.visitor()
    room = await shop.room(who, "one", "two")
    await entered(hub, shop.tenant, who, room)
    session, sink = await entered(hub, shop.tenant, shop.owner)
    place = await hub.enter_room(session, room)
    old = (await read_in_tenant(shop.tenant, heads, [room]))[room]
    await run_in_tenant(shop.tenant, restore, room, 1)
    await hub.local.compare_all()
    hub.settle_room(session, place, head=old, writable=True, joined=b'{"t":"joined"}')
    await comes_true(lambda: sink.code is not None)
    assert sink.came("joined") == []
    assert place.epoch != old.epoch


@pytest.mark.parametrize("late", [True, False], ids=["asked before", "asked after"])
async def test_who_asked_before_it_was_known_here_brings_no_other(hub: Hub, shop: Shop, late: bool) -> None:
    """Two read at the same time, and the history is replaced between their two moments: the older answer comes last."""
    who = await shop.visitor()
    room = await shop.room(who, "one", "two")
    session, sink = await entered(hub, shop.tenant, shop.owner)
    place, asked = await hub.enter_room(session, room), hub.loop.time()
    old = (await read_in_tenant(shop.tenant, heads, [room]))[room]
    await run_in_tenant(shop.tenant, restore, room, 1)
    visitor, inside = await entered(hub, shop.tenant, who, room)
    asked = asked if late else hub.loop.time()
    hub.settle_room(session, place, head=old, writable=True, joined=b'{"t":"joined"}', asked=asked)
    assert (sink.code, len(sink.came("joined"))) == ((Close.RESTART, 0) if late else (None, 1))
    assert (visitor in place.members, place.epoch == old.epoch) == (late, not late)
    await comes_true(lambda: inside.code is (None if late else Close.RESTART))


@pytest.mark.parametrize("late", [True, False], ids=["asked before", "asked after"])
async def test_a_look_at_the_database_that_came_late_sends_nobody_back(hub: Hub, shop: Shop, late: bool) -> None:
    who = await shop.visitor()
    room = await shop.room(who, "one", "two")
    session, _ = await entered(hub, shop.tenant, who, room)
    place, asked = hub.room(shop.tenant, room), hub.loop.time()
    assert place
    old = (await read_in_tenant(shop.tenant, heads, [room]))[room]
    await run_in_tenant(shop.tenant, restore, room, 1)
    await hub.local.compare_all()
    again, _ = await entered(hub, shop.tenant, who, room)
    hub.saw_head(shop.tenant, room, old, asked=asked if late else hub.loop.time())
    assert (again in place.members, session in place.members) == (late, False)
