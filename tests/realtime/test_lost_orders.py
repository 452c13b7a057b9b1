"""What was taken away counts on every process before long, even if no message between processes ever arrives."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from chat.models import Participant, Room
from chat.realtime import beats as module
from chat.realtime import hub as hubs
from chat.realtime.beats import Beats
from chat.realtime.hub import Hub
from chat.realtime.outbox import FastOutbox, Outbox
from chat.realtime.protocol.codes import PING_SECONDS, Close
from chat.realtime.session import Session
from chat.selectors.messages import heads
from chat.services.deletion import delete_room
from chat.services.members import MemberChange, remove_member, set_member
from chat.services.rooms import RoomChange, change_room
from tenants import resolve
from tenants.context import TenantRef, in_tenant, run_on_platform
from tenants.models import Membership
from tenants.reading import read_in_tenant
from tenants.tokens import Principal
from tests.realtime.test_moderation import ada_asks
from tests.support import talk
from tests.support.community import community, member
from tests.support.patience import PATIENCE
from tests.support.server import Server, make_server
from tests.support.sessions import Sink, session_of
from tests.support.shop import Shop
from tests.support.sockets import Doors, key_of

BEATS = 3  # after which what was decided must count


class Process:
    """A hub and a heartbeat of a second, which nobody else reaches."""

    def __init__(self) -> None:
        self.hub, self.beats = Hub(), Beats()

    async def visitor(
        self, tenant: TenantRef, who: Principal, room: UUID, outbox: Callable[[Sink], Outbox] = lambda sink: sink
    ) -> tuple[Session, Sink]:
        """A socket of theirs in the room, which writes through this."""
        session, sink = session_of(tenant, who)
        session.outbox = outbox(sink)
        session.heard = self.beats.loop.time() + 1_000
        self.hub.enter(session)
        await self.join(session, room)
        self.beats.add(session)
        return session, sink

    async def join(self, session: Session, room: UUID) -> None:
        place = await self.hub.enter_room(session, room)
        head = (await read_in_tenant(session.tenant, heads, [room]))[room]._replace(seq=0)
        self.hub.settle_room(session, place, head=head, writable=True, joined=b'{"t": "joined"}')


@pytest.fixture
async def process(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Process]:
    monkeypatch.setattr(module, "PING_SECONDS", 1)
    monkeypatch.setattr(hubs, "_hub", None)
    process = Process()
    monkeypatch.setattr(hubs, "_hub", process.hub)
    for name in ("members", "rooms", "deletion"):  # what is decided elsewhere is told to nobody
        monkeypatch.setattr(f"chat.services.{name}.from_thread", lambda _act: None)
    yield process
    process.beats._task.cancel()
    await process.hub.stop()


async def beaten(sink: Sink) -> None:
    """Some beats have passed."""
    before = len(sink.came("ping"))
    async with asyncio.timeout(PATIENCE):
        while len(sink.came("ping")) < before + BEATS:
            await asyncio.sleep(0.02)


async def put_out(sink: Sink) -> None:
    """A beat that began behind the decision has found it."""
    async with asyncio.timeout(PATIENCE):
        while not sink.came("left"):
            await asyncio.sleep(0.02)


Decide = Callable[[Shop, UUID, Principal], Any]
SOON = timedelta(hours=1)


def ban(shop: Shop, room: UUID, who: Principal) -> None:
    change = MemberChange(banned_until=timezone.now() + SOON)
    set_member(shop.tenant, shop.owner, room_id=room, person_id=who.id, change=change)


def remove(shop: Shop, room: UUID, who: Principal) -> None:
    remove_member(shop.tenant, shop.owner, room_id=room, person_id=who.id)


def close_to_the_anonymous(shop: Shop, room: UUID, who: Principal) -> None:
    change_room(shop.tenant, shop.owner, room_id=room, change=RoomChange(join_rule=Room.JoinRule.IDENTIFIED))


def mute(shop: Shop, room: UUID, who: Principal) -> None:
    change = MemberChange(muted_until=timezone.now() + SOON)
    set_member(shop.tenant, shop.owner, room_id=room, person_id=who.id, change=change)


@pytest.mark.parametrize("decide", [ban, remove, close_to_the_anonymous])
async def test_who_lost_their_place_is_out_at_the_next_beat(process: Process, shop: Shop, decide: Decide) -> None:
    room = await run_on_platform(community, shop.tenant)
    who = await run_on_platform(member, shop.tenant, room)
    session, sink = await process.visitor(shop.tenant, who, room)
    await beaten(sink)
    assert sink.came("left") == []
    await run_on_platform(decide, shop, room, who)
    await put_out(sink)
    assert [(left["room"], left["code"]) for left in sink.came("left")] == [(str(room), "not_found")]
    assert room not in session.rooms
    assert process.hub.room(shop.tenant, room) is None or session not in process.hub.room(shop.tenant, room).members  # type: ignore[union-attr]


async def test_a_room_that_is_no_more_holds_nobody(process: Process, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEADS_SECONDS", 0.5)  # less than between two pings, as shipped
    room, beside = await run_on_platform(community, shop.tenant), await run_on_platform(community, shop.tenant)
    visitor, other = [await run_on_platform(member, shop.tenant, one) for one in (room, beside)]
    inside = [await process.visitor(shop.tenant, who, room) for who in (visitor, shop.owner)]
    _, witness = await process.visitor(shop.tenant, other, beside)
    await beaten(witness)
    assert [sink.came("left") for _, sink in inside] == [[], []]
    await run_on_platform(lambda: delete_room(shop.tenant, shop.owner, room_id=room, sure="The shop's friends"))
    for session, sink in inside:
        await put_out(sink)
        assert [(left["room"], left["code"]) for left in sink.came("left")] == [(str(room), "not_found")]
        assert session.rooms == {}
    await beaten(witness)
    assert witness.came("left") == []


async def test_who_may_stay_stays(process: Process, shop: Shop) -> None:
    """The others of the room, one who is only muted, a visitor in their own room, and members whose ban is over."""
    room = await run_on_platform(community, shop.tenant)
    people = [await run_on_platform(member, shop.tenant, room) for _ in range(3)]
    sinks = [(await process.visitor(shop.tenant, who, room))[1] for who in people]
    vic = await shop.visitor()
    sinks.append((await process.visitor(shop.tenant, vic, await shop.room(vic, "hello")))[1])
    await run_on_platform(mute, shop, room, people[1])
    await run_on_platform(banned_before, shop.tenant, room, people[2])
    for sink in sinks:
        await beaten(sink)
        assert sink.came("left") == []


class Raw:
    """What the shipped server offers to write through, with a Sink at its end."""

    def __init__(self, sink: Sink) -> None:
        self.write, self.write_soon = sink.write_framed, sink.write_soon


def fast(sink: Sink) -> Outbox:
    return FastOutbox(Raw(sink), sink.close)  # type: ignore[arg-type]


def plain(sink: Sink) -> Outbox:
    return sink


@pytest.mark.parametrize("outbox", [fast, plain])
@pytest.mark.parametrize("comes_back", [True, False], ids=["back", "there"])
async def test_who_comes_back_while_the_database_is_asked_stays(
    process: Process, shop: Shop, monkeypatch: pytest.MonkeyPatch, outbox: Callable[[Sink], Outbox], comes_back: bool
) -> None:
    """Their place of before was gone; in the one that they have now they are not looked at by then."""
    room = await run_on_platform(community, shop.tenant)
    who, other = [await run_on_platform(member, shop.tenant, room) for _ in range(2)]
    session, sink = await process.visitor(shop.tenant, who, room, outbox)
    _, witness = await process.visitor(shop.tenant, other, room, outbox)
    looks: list[UUID] = []

    async def too_late(tenant: TenantRef, fn: Any, rooms: Any, places: list[tuple[UUID, UUID]]) -> Any:
        lost = {place for place in places if place[1] == who.id and not looks}
        if lost:
            looks.append(who.id)
            if comes_back:
                process.hub.leave_room(session, room)
                await process.join(session, room)
        found, _ = await read_in_tenant(tenant, fn, rooms, [])
        return found, lost

    monkeypatch.setattr(module, "read_in_tenant", too_late)
    await beaten(sink)
    assert looks == [who.id]
    assert (sink.came("left") == [], room in session.rooms) == (comes_back, comes_back)
    assert witness.came("left") == []


@pytest.mark.parametrize("again", [True, False], ids=["the same room", "another"])
async def test_who_joins_another_room_meanwhile_is_out_of_the_first_all_the_same(
    process: Process, shop: Shop, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    """With every look: a client that keeps joining does not put it off."""
    room, beside = await run_on_platform(community, shop.tenant), await run_on_platform(community, shop.tenant)
    who = await run_on_platform(member, shop.tenant, room)
    session, sink = await process.visitor(shop.tenant, who, room)

    async def joins_meanwhile(tenant: TenantRef, fn: Any, rooms: Any, places: list[tuple[UUID, UUID]]) -> Any:
        await process.join(session, room if again else beside)
        found, _ = await read_in_tenant(tenant, fn, rooms, [])
        return found, {(room, who.id)}

    monkeypatch.setattr(module, "read_in_tenant", joins_meanwhile)
    await (beaten(sink) if again else put_out(sink))
    assert [left["room"] for left in sink.came("left")] == ([] if again else [str(room)])
    assert (room in session.rooms) is again


async def test_a_tenant_that_does_not_answer_keeps_nobody_elsewhere_in(
    process: Process, shop: Shop, acme: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    friends = await run_on_platform(community, acme)
    _, stuck = await process.visitor(acme, await run_on_platform(member, acme, friends), friends)
    room = await run_on_platform(community, shop.tenant)
    who = await run_on_platform(member, shop.tenant, room)
    _, sink = await process.visitor(shop.tenant, who, room)

    async def reads(tenant: TenantRef, *asked: Any) -> Any:
        if tenant == acme:
            await asyncio.Event().wait()
        return await read_in_tenant(tenant, *asked)

    monkeypatch.setattr(module, "read_in_tenant", reads)
    monkeypatch.setattr(module, "READ_SECONDS", 2.0)
    await run_on_platform(ban, shop, room, who)
    await put_out(sink)
    assert len(sink.came("left")) == 1
    await beaten(stuck)


async def test_an_agent_with_another_role_comes_back_as_what_they_are(process: Process, shop: Shop) -> None:
    agent = await shop.member("agent")
    session, sink = session_of(shop.tenant, agent)
    session.heard = process.beats.loop.time() + 1_000
    process.beats.add(session)
    await beaten(sink)
    assert sink.code is None

    def demote() -> None:
        Membership.objects.filter(tenant_id=shop.tenant.id, user_id=agent.id).update(role="viewer")

    await run_on_platform(demote)
    resolve.forget(shop.tenant.id)  # or a minute later
    async with asyncio.timeout(PATIENCE):
        while sink.code is None:
            await asyncio.sleep(0.02)
    assert sink.code == Close.RESTART


@pytest.mark.chaos
@pytest.mark.xdist_group("realtime-apart")
async def test_a_ban_holds_on_a_process_that_hears_nothing(acme: TenantRef) -> None:
    """Two servers with nothing between them, as if the bus lost everything; at the shipped pace."""
    friends = await run_on_platform(community, acme)
    vic, other = await run_on_platform(talk.visitor, acme), await run_on_platform(talk.visitor, acme)
    await run_on_platform(key_of, acme)
    servers = [make_server(), make_server()]
    try:
        for server in servers:
            server.launch()
        for server in servers:
            server.await_ready()
        await is_put_out(servers[0], servers[1], acme, friends, vic, other)
    finally:
        for server in servers:
            server.stop()


async def is_put_out(here: Server, there: Server, acme: TenantRef, room: UUID, vic: Principal, other: Principal) -> None:
    async with Doors(here).visitor(acme, vic) as banned, Doors(here).visitor(acme, other) as witness:
        await banned.join(room)
        await witness.join(room)
        await ada_asks(there, acme, "PUT", f"/rooms/{room}/members/{vic.id}", {"ban_for": 600})
        await banned.expect("left", room=str(room), code="not_found", seconds=2 * PING_SECONDS + 15)
        ack = await witness.send(room, "now that they are gone")
        await witness.expect("msg", seq=ack["seq"])
        await banned.settled()
        assert "now that they are gone" not in banned.lines(room)
        assert witness.came("left") == []


def banned_before(tenant: TenantRef, room: UUID, who: Principal) -> None:
    """Their ban is over."""
    with in_tenant(tenant):
        places = Participant.objects.filter(room=room, person_id=who.id)
        assert places.update(banned_until=timezone.now() - SOON)
