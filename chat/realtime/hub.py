"""Fan-out: from a committed message to every socket that should have it, on this process and the others.

One hub per process, made with its event loop's first socket. It encodes and frames once, writes straight to the local sockets,
and rings the bus for the others. Frames of a room go out in the order of their seq: a hole, or a bus that failed, is mended by
reading from the database. Everything here runs on the event loop; threads use `from_thread`.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from django.conf import settings

from chat.realtime import groups
from chat.realtime.append import Appended, Row, message_frame, summary
from chat.realtime.bus import BEAT_SECONDS, Bus, Item
from chat.realtime.here import LocalTenant, Present
from chat.realtime.journal import Journal, Stored
from chat.realtime.marks import Marks
from chat.realtime.protocol.outgoing import Msg, People, Person, RoomOut, ServerFrame, Summary, Upd, encode
from chat.realtime.room import LocalRoom
from chat.realtime.session import Session
from chat.selectors.messages import changes_after
from saas.core.database import dsn
from saas.core.fastsocket import frame
from tenants.context import TenantRef, run_in_tenant

log = logging.getLogger(__name__)

HOLE_SECONDS = 0.02  # two processes may publish out of order: how long a hole is waited for
LOST_SECONDS = 9 * BEAT_SECONDS  # a process that was not heard for so long is gone, and its people with it
POLL_SECONDS = 2.0  # while the bus is down
CROWD_SECONDS = 1.0  # how often a crowded room tells its count


@dataclass(frozen=True, slots=True)
class Published:
    """A row that a service stored in its own transaction, to be published after the commit."""

    row: Row
    done: Appended


class Hub:
    """The rooms and people of this process."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.rooms: dict[str, LocalRoom] = {}
        self.tenants: dict[UUID, LocalTenant] = {}
        self.groups: dict[str, set[Session]] = {}
        self.sessions: set[Session] = set()
        self.processes: dict[str, float] = {}
        self.bus = Bus(self._hear, self._bus_failed, self._bus_restored)
        self.journal = Journal(dsn(), self._stored)
        self.marks = Marks()
        self._tasks: set[asyncio.Task[None]] = set()
        self._crowds: set[str] = set()
        self._watch: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.bus.start()
        self.journal.start()
        self._watch = self.loop.create_task(self._watch_processes(), name="hub-watch")

    async def stop(self) -> None:
        """Flush the journal and the bus."""
        await self.journal.stop()
        await self.marks.flush()
        await self.bus.stop()
        if self._watch is not None:
            self._watch.cancel()

    # --- sockets -------------------------------------------------------------------------------------------------------------

    def enter(self, session: Session) -> LocalTenant:
        """A socket has said hello: it hears its owner's group, and agents hear the tenant's inbox."""
        self.sessions.add(session)
        tenant, who = session.tenant, session.principal
        self._attach(session, groups.person(tenant.id, who.id))
        if who.kind == "agent":
            self._attach(session, groups.inbox(tenant.id))
        local = self.tenants.get(tenant.id) or self._open_tenant(tenant)
        local.came(session)
        return local

    def leave(self, session: Session) -> None:
        """A socket has ended: out of every room and group. A second call changes nothing."""
        if session not in self.sessions:
            return
        self.sessions.discard(session)
        for room_id in list(session.rooms):
            self.leave_room(session, room_id)
        for group in session.groups:
            members = self.groups.get(group, set())
            members.discard(session)
            if not members:
                self.groups.pop(group, None)
                self.bus.unsubscribe(group)
        if local := self.tenants.get(session.tenant.id):
            local.went(session, lambda: self._close_tenant(local))

    def sockets_of(self, tenant: TenantRef, person_id: UUID) -> list[Session]:
        """This process's sockets of one person."""
        return list(self.groups.get(groups.person(tenant.id, person_id), ()))

    def _attach(self, session: Session, group: str) -> None:
        session.groups.add(group)
        if group not in self.groups:
            self.groups[group] = set()
            self.bus.subscribe(group)
        self.groups[group].add(session)

    def _open_tenant(self, tenant: TenantRef) -> LocalTenant:
        group = groups.here(tenant.id)

        def tell_others(on: list[Present], off: list[UUID]) -> None:
            self.bus.say(group, {"k": "here", "on": msgspec.json.encode(on), "off": msgspec.json.encode(off)})

        self.tenants[tenant.id] = local = LocalTenant(tenant, group, tell_others)
        self.groups.setdefault(group, set())
        self.bus.subscribe(group)
        self.bus.say(group, {"k": "who"})
        return local

    def _close_tenant(self, local: LocalTenant) -> None:
        if local.empty and self.tenants.get(local.tenant.id) is local:
            del self.tenants[local.tenant.id]
            self.groups.pop(local.group, None)
            self.bus.unsubscribe(local.group)

    # --- rooms ---------------------------------------------------------------------------------------------------------------

    def room(self, tenant: TenantRef, room_id: UUID) -> LocalRoom | None:
        """The room, if a local socket is in it."""
        return self.rooms.get(groups.room(tenant.id, room_id))

    async def enter_room(self, session: Session, room_id: UUID) -> LocalRoom:
        """Join the room's group first; the caller reads history second and calls `settle_room` third."""
        group = groups.room(session.tenant.id, room_id)
        room = self.rooms.get(group)
        if room is None:
            room = self.rooms[group] = LocalRoom(session.tenant, room_id, group)
            self.bus.subscribe(group)
            self.bus.say(group, {"k": "who"})
        room.enter(session)
        await self.bus.subscribed(group)
        return room

    def settle_room(self, session: Session, room: LocalRoom, *, head: int, writable: bool, joined: bytes) -> None:
        """The socket's history was read up to `head`: send `joined`, then what came meanwhile, and tell the others."""
        first = room.id not in session.rooms
        session.rooms[room.id] = writable
        session.send_text(joined)
        for framed in room.settle(session, head):
            session.send_framed(framed)
        self._mend_later(room)
        if first:
            self._tell_people(room, [session.person] if room.people.came(session.person) else [], [])
            self.bus.say(room.group, {"k": "on", "who": msgspec.json.encode([session.person])})

    def leave_room(self, session: Session, room_id: UUID) -> bool:
        """Whether the socket was in the room."""
        room = self.rooms.get(groups.room(session.tenant.id, room_id))
        was_joined = session.rooms.pop(room_id, None) is not None
        if room is None or not room.leave(session):
            return False
        if was_joined:
            gone = room.people.went(session.principal.id)
            self._tell_people(room, [], [gone] if gone else [])
            if session.principal.id not in room.people.here:
                self.bus.say(room.group, {"k": "off", "who": msgspec.json.encode([session.principal.id])})
        self.close_if_empty(room)
        return was_joined

    def close_if_empty(self, room: LocalRoom) -> None:
        """Forget a room in which no local socket is left."""
        if room.empty and self.rooms.get(room.group) is room:
            del self.rooms[room.group]
            self.bus.unsubscribe(room.group)

    def _tell_people(self, room: LocalRoom, came: Iterable[Person], gone: Iterable[Person]) -> None:
        if room.crowded:
            if room.group not in self._crowds:
                self._crowds.add(room.group)
                self.loop.call_later(CROWD_SECONDS, self._tell_crowd, room)
            return
        for on, people in ((True, came), (False, gone)):
            for who in people:
                room.tell(frame(encode(People(room=room.id, who=who, on=on))))

    def _tell_crowd(self, room: LocalRoom) -> None:
        self._crowds.discard(room.group)
        room.tell(frame(encode(People(room=room.id, who=room.named(), count=len(room.people.everyone())))))

    # --- publishing ----------------------------------------------------------------------------------------------------------

    def publish(self, tenant: TenantRef, room_id: UUID, seq: int, text: bytes) -> None:
        """A frame that takes a seq, after its commit: to the room, here and elsewhere, in order."""
        group = groups.room(tenant.id, room_id)
        self._offer(group, seq, text)
        self.bus.say(group, {"k": "m", "s": seq, "f": text})

    def tell(self, group: str, told: ServerFrame, *, only: str | None = None) -> None:
        """A frame of state to a room, a person or an inbox; `only` agents or only visitors of it. May be lost."""
        text = encode(told)
        self._tell_local(group, text, only)
        self.bus.say(group, {"k": "f", "f": text, "only": only})

    def tell_summary(self, tenant: TenantRef, room: Summary) -> None:
        """A room's new summary to the tenant's agents and to its visitor."""
        told = RoomOut(room=room.id, summary=room)
        self.tell(groups.inbox(tenant.id), told)
        if isinstance(room.visitor, UUID):
            self.tell(groups.person(tenant.id, room.visitor), told)

    def end(self, group: str, code: int, *, sid: str | None = None) -> None:
        """Close every socket of a group, or only those of one sign-in, on every process."""
        self._end_local(group, code, sid)
        self.bus.say(group, {"k": "end", "code": code, "sid": sid})

    def published(self, tenant: TenantRef, events: Sequence[Published]) -> None:
        """What services stored in their own transactions, after the commit."""
        self._stored([Stored(tenant, event.row, event.done) for event in events if event.done.outcome == "stored"])

    def _stored(self, stored: Sequence[Stored]) -> None:
        last: dict[tuple[UUID, UUID], Stored] = {}
        for entry in stored:
            self.publish(entry.tenant, entry.row.room_id, entry.done.seq, encode(message_frame(entry.row, entry.done)))
            last[entry.tenant.id, entry.row.room_id] = entry
        for entry in last.values():
            self.tell_summary(entry.tenant, summary(entry.row, entry.done))

    def _offer(self, group: str, seq: int, text: bytes) -> None:
        room = self.rooms.get(group)
        if room is not None:
            room.deliver(room.order.offer(seq, frame(text)))
            self._mend_later(room)

    def _tell_local(self, group: str, text: bytes, only: str | None) -> None:
        framed = frame(text)
        if room := self.rooms.get(group):
            room.tell(framed, only=only)
        for session in self.groups.get(group, ()):
            if only is None or session.principal.kind == only:
                session.send_framed(framed)

    def _end_local(self, group: str, code: int, sid: str | None) -> None:
        for session in [*self.groups.get(group, ()), *self._sessions_here(group)]:
            if sid is None or session.principal.sid == sid:
                session.end(code)

    def _sessions_here(self, group: str) -> list[Session]:
        return [session for local in self.tenants.values() if local.group == group for session in local.sessions]

    # --- mending -------------------------------------------------------------------------------------------------------------

    def saw_head(self, tenant: TenantRef, room_id: UUID, head: int) -> None:
        """The database says how far the room has come: a quiet loss is found by it."""
        room = self.rooms.get(groups.room(tenant.id, room_id))
        if room is not None and room.order.head is not None and head > room.order.head:
            self._mend_later(room, force=True)

    def _mend_later(self, room: LocalRoom, *, force: bool = False) -> None:
        if (room.order.broken or force) and not room.repairing:
            room.repairing = True
            task = self.loop.create_task(self._mend(room, force=force), name="hub-mend")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _mend(self, room: LocalRoom, *, force: bool) -> None:
        try:
            await asyncio.sleep(HOLE_SECONDS)
            while (room.order.broken or force) and room.order.head is not None:
                force = await self._read_hole(room, room.order.head)
        except Exception:
            log.exception("hub: a hole could not be mended; the next ping tries again")
        finally:
            room.repairing = False

    async def _read_hole(self, room: LocalRoom, head: int) -> bool:
        """Deliver what the database has after `head`; whether there is more. A message changed since takes its last seq only."""
        messages = await run_in_tenant(room.tenant, changes_after, room.id, head)
        for message in messages:
            made: Msg | Upd = (
                Msg(room=room.id, seq=message.seq, message=message)
                if message.seq == message.changed
                else Upd(room=room.id, seq=message.changed, message=message)
            )
            room.deliver(room.order.advance(message.changed - 1))
            room.deliver(room.order.offer(message.changed, frame(encode(made))))
        return len(messages) >= 200

    def _bus_failed(self) -> None:
        task = self.loop.create_task(self._poll(), name="hub-poll")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _bus_restored(self) -> None:
        for room in self.rooms.values():
            self._mend_later(room, force=True)
        for local in self.tenants.values():
            self.bus.say(local.group, {"k": "who"})

    async def _poll(self) -> None:
        while self.bus.down:
            for room in list(self.rooms.values()):
                self._mend_later(room, force=True)
            await asyncio.sleep(POLL_SECONDS)

    # --- the other processes -------------------------------------------------------------------------------------------------

    def _hear(self, group: str, process: str, items: list[Item]) -> None:
        self.processes[process] = self.loop.time()
        for item in items:
            try:
                self._hear_one(group, process, item)
            except Exception:
                log.exception("hub: a message from another process could not be read")

    def _hear_one(self, group: str, process: str, item: Item) -> None:
        match item["k"]:
            case "m":
                self._offer(group, item["s"], item["f"])
            case "f":
                self._tell_local(group, item["f"], item["only"])
            case "end":
                self._end_local(group, item["code"], item["sid"])
            case "who":
                self._answer_who(group)
            case "on" | "off":
                self._hear_people(group, process, item)
            case "here":
                self._hear_here(group, process, item)

    def _answer_who(self, group: str) -> None:
        if (room := self.rooms.get(group)) and room.people.here:
            self.bus.say(group, {"k": "on", "who": msgspec.json.encode(list(room.people.here.values()))})
        for local in self.tenants.values():
            if local.group == group and local.roster.here:
                local.tell_others(list(local.roster.here.values()), [])

    def _hear_people(self, group: str, process: str, item: Item) -> None:
        room = self.rooms.get(group)
        if room is None:
            return
        if item["k"] == "on":
            came, gone = room.people.heard(process, on=msgspec.json.decode(item["who"], type=list[Person]))
        else:
            came, gone = room.people.heard(process, off=msgspec.json.decode(item["who"], type=list[UUID]))
        self._tell_people(room, came, gone)

    def _hear_here(self, group: str, process: str, item: Item) -> None:
        on = msgspec.json.decode(item["on"], type=list[Present])
        off = msgspec.json.decode(item["off"], type=list[UUID])
        for local in self.tenants.values():
            if local.group == group:
                local.heard(process, on, off)

    async def _watch_processes(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            now = self.loop.time()
            for process in [key for key, heard in self.processes.items() if now - heard > LOST_SECONDS]:
                del self.processes[process]
                for room in self.rooms.values():
                    self._tell_people(room, [], room.people.lost(process))
                for local in self.tenants.values():
                    local.lost(process)


_hub: Hub | None = None


def hub() -> Hub:
    """The hub of this process, started with the first call on its event loop."""
    global _hub
    if _hub is None or _hub.loop is not asyncio.get_running_loop():
        _hub = Hub()
        _hub.start()
    return _hub


def running_hub() -> Hub | None:
    """The hub, if a socket or a publication has started one."""
    return _hub


def from_thread(act: Callable[[Hub], None]) -> None:
    """Do something with the hub from a thread, soon. A process that serves no sockets rings the bus and is done."""
    if _hub is not None and not _hub.loop.is_closed():
        _hub.loop.call_soon_threadsafe(act, _hub)
    elif settings.REDIS_HOSTS:
        asyncio.run(_ring(act))


async def _ring(act: Callable[[Hub], None]) -> None:
    bell = Hub()
    bell.bus.start()
    act(bell)
    await bell.bus.stop()
