"""Fan-out: from a committed message to every socket that should have it, on this process and the others.

One hub per process, made with its event loop's first socket. It encodes and frames once, writes straight to the local sockets
(`local.py`), and rings the bus for the others (`others.py`). Frames of a room go out in the order of their seq: a hole, or a bus
that failed, is mended by reading from the database. Everything here runs on the event loop; threads use `from_thread`.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from uuid import UUID

from django.conf import settings

from chat.realtime import groups, here, marks
from chat.realtime.aftermath import Aftermath
from chat.realtime.expulsion import obey_out
from chat.realtime.here import LocalTenant, Present
from chat.realtime.journal import Journal, Stored
from chat.realtime.local import Local
from chat.realtime.others import Others
from chat.realtime.publishing import Published, Publisher
from chat.realtime.room import LocalRoom
from chat.realtime.session import Session
from chat.realtime.unended import Unended
from chat.selectors.messages import Head
from saas.core.database import dsn
from saas.core.logs import apart
from tenants.context import TenantRef

__all__ = ["Hub", "Published", "from_thread", "hub", "running_hub"]

# Of the 5 s of a drain: for what was begun, for each tenant's marks and notifications, for the notifications of what came last.
UNENDED_SECONDS, LAST_SECONDS, LATEST_SECONDS = 1.0, 2.5, 1.0


class Hub(Publisher):
    """The rooms and people of this process: who enters them, who leaves, and what they are told."""

    def __init__(self) -> None:
        local = Local()
        self.others = Others(local, partial(obey_out, local, self))
        self.journal = Journal(dsn(), self._journaled, self._said_again)
        super().__init__(local, self.others.bus, self.journal.expects)
        self.loop = local.loop
        self.aftermath = Aftermath(self._looking, self.notify)
        self.marks = marks.Marks()
        self._sessions: set[Session] = set()
        self._unended = Unended(self.loop)
        self.to_the_end = self._unended.to_the_end

    def start(self) -> None:
        """Begin to listen and to store."""
        self.others.start()
        self.journal.start()

    async def stop(self) -> None:
        """Flush what waits, then leave the bus. One tenant whose tables are held takes nothing of the others along."""
        try:
            await self._unended.wait(UNENDED_SECONDS)
            last = (one.flush(seconds=LAST_SECONDS) for one in (self.marks, self.aftermath))
            await asyncio.gather(self.journal.stop(seconds=LAST_SECONDS), *last)
            await self.aftermath.flush(seconds=LATEST_SECONDS)
        finally:
            self.marks.stop()
            self.aftermath.stop()
            await self.others.stop()  # even if the database takes too long: the others should know

    def _journaled(self, stored: Sequence[Stored]) -> None:
        """What the journal stored: told now, and who else must hear of it a moment later."""
        self._stored(stored)
        self.aftermath.heed(stored)

    def _said_again(self, known: Sequence[Stored]) -> None:
        """Whoever stored it may have died before they told anybody: it is told once more, where it changes nothing if it was."""
        self._reached(known)
        self.aftermath.heed(known)

    def _looking(self, tenant: TenantRef, room_id: UUID) -> set[UUID]:
        """Who has the room open, on any process, and has not said that they are away."""
        room, local = self.room(tenant, room_id), self.local.tenant(tenant.id)
        team = local.team if local else {}
        people = room.people.everyone() if room else []
        return {who.id for who in people if who.id not in team or team[who.id].word.state != "away"}

    # --- sockets -------------------------------------------------------------------------------------------------------------

    def enter(self, session: Session, *, quietly: bool = False) -> LocalTenant:
        """A socket has said hello: it hears its owner's group, and agents hear the tenant's inbox.

        Its owner is here from now on; with `quietly` from when the caller says so by `came`.
        """
        self._sessions.add(session)
        tenant, who = session.tenant, session.principal
        self._attach(session, groups.person(tenant.id, who.id))
        if who.kind == "agent":
            self._attach(session, groups.inbox(tenant.id))
        if session.key:
            self._attach(session, groups.embed_key(tenant.id, session.key))
        local = self.local.tenant(tenant.id) or self._open_tenant(tenant)
        local.sessions.setdefault(session, False)
        if not quietly:
            local.came(session)
        return local

    def leave(self, session: Session) -> None:
        """A socket has ended: out of every room and group. A second call changes nothing."""
        if session not in self._sessions:
            return
        self._sessions.discard(session)
        for group in session.groups:
            self._detach(session, group)
        for room_id in list(session.rooms):
            self.leave_room(session, room_id, linger=here.LINGER_SECONDS)
        if local := self.local.tenant(session.tenant.id):
            local.went(session, lambda: self._close_tenant(local))

    def moved(self, session: Session) -> None:
        """The page before a visitor has changed."""
        if (local := self.local.tenant(session.tenant.id)) and local.sessions.get(session):
            local.came(session)

    async def watch(self, tenant: TenantRef) -> LocalTenant:
        """Who of the tenant is here, as told by all processes; this one listens on for a while, with or without sockets of it."""
        local = self.local.tenant(tenant.id) or self._open_tenant(tenant)
        if not local.sessions and local.watched_until < self.loop.time():
            self.loop.call_later(here.WATCH_SECONDS, self._close_tenant, local)
        local.watched_until = self.loop.time() + here.WATCH_SECONDS
        wait = local.since + here.ANSWER_SECONDS - self.loop.time()
        if wait > 0 and not self.bus.alone and not self.bus.down:
            await asyncio.sleep(wait)
        return local

    def _attach(self, session: Session, group: str) -> None:
        session.groups.add(group)
        if group not in self.local.groups:
            self.local.groups[group] = set()
            self.bus.subscribe(group)
        self.local.groups[group].add(session)

    def _detach(self, session: Session, group: str) -> None:
        (members := self.local.groups.get(group, set())).discard(session)
        if not members:
            self.local.groups.pop(group, None)
            self.bus.unsubscribe(group)

    def _open_tenant(self, tenant: TenantRef) -> LocalTenant:
        group = groups.here(tenant.id)

        def tell_others(on: list[Present], off: list[UUID]) -> None:
            self.others.attendance.say_here(local, on, off)

        local = self.local.tenants[group] = LocalTenant(tenant, group, tell_others, since=self.loop.time())
        self.bus.subscribe(group)
        self.bus.say(group, {"k": "who"})
        return local

    def _close_tenant(self, local: LocalTenant) -> None:
        watched = local.watched_until - self.loop.time()
        if watched > 0:
            self.loop.call_later(watched + 0.01, self._close_tenant, local)
        elif local.empty and self.local.tenants.get(local.group) is local:
            del self.local.tenants[local.group]
            self.bus.unsubscribe(local.group)

    # --- rooms ---------------------------------------------------------------------------------------------------------------

    async def enter_room(self, session: Session, room_id: UUID) -> LocalRoom:
        """Join the room's group first; the caller reads history second and calls `settle_room` third, or `quit_room`."""
        group = groups.room(session.tenant.id, room_id)
        room = self.local.rooms.get(group)
        if room is None:
            room = self.local.rooms[group] = LocalRoom(session.tenant, room_id, group)
            self.bus.subscribe(group)
            self.bus.say(group, {"k": "who"})
        room.enter(session)
        try:
            await self.bus.subscribed(group)
        except BaseException:
            self.quit_room(session, room)
            raise
        return room

    def settle_room(
        self, session: Session, room: LocalRoom, *, head: Head, writable: bool, joined: bytes, asked: float = inf
    ) -> None:
        """The socket's history was read up to `head`: send `joined`, then what came meanwhile, and tell the others.

        `asked`: the loop time before which nothing of it was read. Who may have read what was replaced meanwhile comes back.
        """
        if session not in self._sessions:
            return self.quit_room(session, room)  # it ended while it was reading
        if session not in room.joining and session not in room.members:
            return None  # it left while it was reading
        if not self.local.compare(room, head, asked=asked, reader=session):
            self.quit_room(session, room)
            return session.send_back()
        self._gathering.release(room.group)  # what the history may hold is not told again
        first = room.id not in session.rooms
        session.rooms[room.id] = writable
        session.send_text(joined)
        for framed in room.settle(session, head.seq):
            session.send_framed(framed)
        self.local.mend(room)
        if first:
            new = room.people.came(session.person)
            self.local.tell_people(room, [session.person] if new else [], [])
            self.others.attendance.say_people(room, on=[session.person])
        return None

    def quit_room(self, session: Session, room: LocalRoom) -> None:
        """The history could not be read. A socket that was in the room before stays, and gets what was kept for it meanwhile."""
        if room.id in session.rooms and session in self._sessions:
            for framed in room.stay(session):
                session.send_framed(framed)
        else:
            room.leave(session)
            self._close_if_empty(room)

    def leave_room(self, session: Session, room_id: UUID, *, linger: float = 0) -> bool:
        """Whether the socket was in the room. Its owner is seen there for `linger` seconds more: they may come back."""
        room = self.room(session.tenant, room_id)
        if session.rooms.pop(room_id, None) is None or room is None:
            return False
        room.leave(session)
        if untold := session.forget(room_id):
            self.tell_mark(session, room, untold)
        if linger:
            self.loop.call_later(linger, self._gone, room, session.principal.id)
        else:
            self._gone(room, session.principal.id)
        return True

    def _gone(self, room: LocalRoom, person_id: UUID) -> None:
        """One socket fewer of this person in the room."""
        gone = room.people.went(person_id)
        self.local.tell_people(room, [], [gone] if gone else [])
        if person_id not in room.people.here:
            self.others.attendance.say_people(room, off=[person_id])
        self._close_if_empty(room)

    def _close_if_empty(self, room: LocalRoom) -> None:
        if room.empty and self.local.rooms.get(room.group) is room:
            del self.local.rooms[room.group]
            self.bus.unsubscribe(room.group)

    def saw_head(self, tenant: TenantRef, room_id: UUID, head: Head, *, asked: float = inf) -> bool:
        """The database, which was asked at this loop time, says how far the room has come: a quiet loss is found by it.

        False if that may be the end of a history that was replaced.
        """
        room = self.room(tenant, room_id)
        return room is None or self.local.compare(room, head, asked=asked)


_hub: Hub | None = None


def hub() -> Hub:
    """The hub of this process, started with the first call on its event loop."""
    global _hub
    if _hub is None or _hub.loop is not asyncio.get_running_loop():
        _hub = Hub()
        apart().run(_hub.start)
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
    bell.bus.start(hears=False)
    act(bell)
    await bell.bus.stop()
