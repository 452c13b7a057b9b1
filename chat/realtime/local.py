"""What this process holds: its sockets by group, its rooms, its tenants. Delivers to them; knows nothing of other processes."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Final
from uuid import UUID

import msgspec

from chat import metrics
from chat.realtime import groups
from chat.realtime.here import LocalTenant
from chat.realtime.protocol.outgoing import Message, Msg, Notice, People, Person, Upd, encode
from chat.realtime.room import LocalRoom
from chat.realtime.session import Session
from chat.selectors.messages import Head, changes_after, heads
from saas.core import slow
from saas.core.fastsocket import frame
from saas.core.logs import apart
from saas.core.metrics import Buckets
from tenants.context import TenantRef
from tenants.reading import read_in_tenant

log = logging.getLogger(__name__)

HOLE_SECONDS: Final = 0.02  # two processes may publish out of order: how long a hole is waited for
HOLE_CHANGES: Final = 200  # read at once when a hole is mended
CROWD_SECONDS: Final = 1.0  # how often a crowded room tells its count
LEAST_SPREAD: Final = 2.0  # seconds within which even a few come back
RETURNS_PER_SECOND: Final = 700  # that a process welcomes and tells what they missed, with a core of its own


def spread_of(many: int) -> float:
    """The seconds over which so many are sent away, to come back at the pace of one process."""
    return max(LEAST_SPREAD, many / RETURNS_PER_SECOND)


class Local:
    """The local end of every group."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.rooms: dict[str, LocalRoom] = {}
        self.tenants: dict[str, LocalTenant] = {}  # by the group of who is here
        self.groups: dict[str, set[Session]] = {}
        self.lists_lack: Callable[[str], None] = lambda _group: None  # tells a tenant's agents to read theirs again
        self._mending: set[asyncio.Task[None]] = set()
        self._crowds: set[str] = set()

    def tenant(self, tenant_id: UUID) -> LocalTenant | None:
        """The tenant, if it has a local socket."""
        return self.tenants.get(groups.here(tenant_id))

    def hears_as_agent(self, session: Session) -> bool:
        """Whether the socket is still open, and an agent's."""
        local = self.tenant(session.tenant.id)
        return local is not None and session in local.hearing["agent"]

    def has(self, group: str) -> bool:
        """Whether a local socket would hear what is told to the group."""
        return group in self.rooms or group in self.groups

    def offer(self, group: str, lines: Sequence[tuple[int, bytes]], at: float = 0.0, times: Buckets = metrics.HERE) -> None:
        """Frames that take a seq, to a room: in order, once. `at`: when the first was committed, if that is known."""
        room = self.rooms.get(group)
        if room is not None:
            room.deliver([ready for seq, text in lines for ready in room.order.offer(seq, frame(text))])
            self.mend(room)
            if at:
                times.observe(took := time.time() - at, len(lines))
                if took > slow.MESSAGE.limit:
                    slow.MESSAGE.note(took, step="deliver", rows=len(lines), tenant=room.tenant.id, room=room.id)

    def tell(self, group: str, text: bytes, only: str | None = None) -> None:
        """A frame of state, to a room, a person or an inbox."""
        framed = frame(text)
        if room := self.rooms.get(group):
            room.tell(framed, only=only)
        for session in self.groups.get(group, ()):
            if only is None or session.principal.kind == only:
                session.send_framed(framed)

    def notify(self, group: str, notice: bytes, to: Iterable[tuple[bytes, bytes]]) -> None:
        """One notification of a tenant, by its group, to the sockets of many: each recipient and the id of their own copy."""
        place = self.tenants.get(group)
        if place is None:
            return
        told = msgspec.json.decode(notice, type=Notice)
        for person, ident in to:
            theirs = groups.person(place.tenant.id, UUID(bytes=person))
            if theirs in self.groups:
                self.tell(theirs, encode(msgspec.structs.replace(told, id=UUID(bytes=ident))))

    def end(self, group: str, code: int, sid: str | None) -> None:
        """Close the sockets of a group, or only those of one sign-in."""
        place = self.tenants.get(group)
        for session in [*self.groups.get(group, ()), *(place.sessions if place else ())]:
            if sid is None or session.principal.sid == sid:
                session.end(code)

    def tell_people(self, room: LocalRoom, came: Iterable[Person], gone: Iterable[Person]) -> None:
        """Who came and went; in a crowd only the count, and not too often."""
        if room.crowded or room.told_crowd:
            if room.group not in self._crowds:
                self._crowds.add(room.group)
                self.loop.call_later(CROWD_SECONDS, self._tell_crowd, room)
            return
        for on, people in ((True, came), (False, gone)):
            for who in people:
                room.tell(frame(encode(People(room=room.id, who=who, on=on))))

    def _tell_crowd(self, room: LocalRoom) -> None:
        """The count and some names; to a room that is a crowd no more, all of them."""
        self._crowds.discard(room.group)
        room.told_crowd = room.crowded
        room.tell(frame(encode(People(room=room.id, who=room.named(), count=len(room.people.everyone())))))

    def mend(self, room: LocalRoom) -> None:
        """Read from the database what is missing, in a moment; nothing if it comes by itself meanwhile."""
        if room.lacks and not room.repairing:
            room.repairing = True
            task = self.loop.create_task(self._mend(room), name="mend", context=apart())
            self._mending.add(task)
            task.add_done_callback(self._mending.discard)

    def compare(self, room: LocalRoom, head: Head, *, asked: float = inf, reader: Session | None = None) -> bool:
        """The database says how far the room has come: a quiet loss is found by it. `reader`: who has just read so far.

        False if it was asked, at this loop time, before the history that is known here was, and tells of another: that may be
        the older one, and changes nothing.
        """
        if room.epoch != head.epoch:
            if asked < room.learned:
                return False
            if room.epoch is not None:
                self._begin_anew(room, reader)
            room.epoch, room.learned = head.epoch, self.loop.time()
        room.known, room.wanted = max(room.known, head.seq), max(room.wanted, head.seq)
        self.mend(room)
        return True

    def _begin_anew(self, room: LocalRoom, reader: Session | None) -> None:
        """Another history has taken the place of the known one: whose view is of that comes back, each at its own moment."""
        out = room.begin_anew(reader)
        for session in out:
            wait = random.random() * spread_of(len(out))  # noqa: S311  # spread, not secret
            self.loop.call_later(wait, self._send_back, session)
        self.lists_lack(groups.here(room.tenant.id))

    def _send_back(self, session: Session) -> None:
        place = self.tenant(session.tenant.id)
        if place is not None and session in place.sessions:
            session.send_back()

    def reaches(self, group: str, seq: int) -> None:
        """A room has come so far at least: whoever here has not heard of it hears it from the database."""
        if room := self.rooms.get(group):
            room.wanted = max(room.wanted, seq)
            self.mend(room)

    async def compare_all(self) -> None:
        """The bus may have lost anything: compare every room with the database, in one query for each tenant. Each for itself."""
        places: dict[TenantRef, list[LocalRoom]] = {}
        for room in self.rooms.values():
            places.setdefault(room.tenant, []).append(room)
        compared = [self._compare_some(tenant, rooms) for tenant, rooms in places.items()]
        for error in await asyncio.gather(*compared, return_exceptions=True):
            if isinstance(error, Exception):
                log.warning("a tenant's rooms are not compared with the database: %s: %s", type(error).__name__, error)

    async def _compare_some(self, tenant: TenantRef, rooms: list[LocalRoom]) -> None:
        asked = self.loop.time()
        found = await read_in_tenant(tenant, heads, [room.id for room in rooms])
        for room in rooms:
            if room.id in found:
                self.compare(room, found[room.id], asked=asked)

    async def _mend(self, room: LocalRoom) -> None:
        try:
            await asyncio.sleep(HOLE_SECONDS)
            if room.lacks:
                await self._read_holes(room)
                metrics.REPAIRS.add("mended")
        except Exception as error:
            metrics.REPAIRS.add("failed")
            log.warning("a hole is not mended yet, the next ping tries again: %s: %s", type(error).__name__, error)
        finally:
            room.repairing = False

    async def _read_holes(self, room: LocalRoom) -> None:
        """Deliver what the database has after the head, until nothing is lacking."""
        while room.lacks and room.order.head is not None:
            order, wanted = room.order, room.wanted
            lowest = min(order.held, default=None)  # stored before the database is asked, and so is all below it
            messages = await read_in_tenant(room.tenant, changes_after, room.id, room.order.head, HOLE_CHANGES)
            if room.order is not order:
                continue  # another history has taken its place meanwhile
            metrics.MISSED.add(count=len(messages))
            self._fill(room, messages, lowest)
            if len(messages) < HOLE_CHANGES:  # that was all
                room.doubted = False
                if room.wanted == wanted:  # nobody has named a higher one meanwhile
                    room.wanted = 0

    def _fill(self, room: LocalRoom, messages: Sequence[Message], lowest: int | None) -> None:
        """Deliver what was read. A changed message takes its last seq only."""
        for message in messages:
            made: Msg | Upd = (
                Msg(room=room.id, seq=message.seq, message=message)
                if message.seq == message.changed
                else Upd(room=room.id, seq=message.changed, message=message)
            )
            room.deliver(room.order.advance(message.changed - 1))
            room.deliver(room.order.offer(message.changed, frame(encode(made))))
        if not messages and lowest is not None and lowest in room.order.held:  # nothing will ever fill the hole below it
            room.deliver(room.order.advance(lowest - 1))
