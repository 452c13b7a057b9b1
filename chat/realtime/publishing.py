"""What is told, and to whom: committed messages to their rooms in order, frames of state to rooms, people and inboxes.

Each thing is put into words once, goes straight to the sockets of this process (`local.py`), and by the bus to the others
(`others.py`). While nobody elsewhere can hear, the bus is spared.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from chat.metrics import MESSAGES
from chat.realtime import groups
from chat.realtime.append import for_visitor
from chat.realtime.bus import Bus
from chat.realtime.gathering import MANY, Gathering, Lines
from chat.realtime.journal import Stored
from chat.realtime.local import Local
from chat.realtime.protocol.outgoing import Marks, Notice, RoomOut, SeenOut, ServerFrame, Summary, encode
from chat.realtime.room import LocalRoom
from chat.realtime.session import Session
from chat.realtime.waiting import Done, Sent, frame_of
from tenants.context import TenantRef


@dataclass(frozen=True, slots=True)
class Published:
    """What a service stored in its own transaction, to be published after the commit."""

    row: Sent
    done: Done


class Publisher:
    """Tells this process's sockets and the other processes. `more_comes` says whether more of a room is about to be stored."""

    def __init__(self, local: Local, bus: Bus, more_comes: Callable[[UUID, UUID], bool]) -> None:
        self.local = local
        self.bus = bus
        self._more_comes = more_comes
        self._gathering = Gathering(local.loop, self._let_go)
        self._since: dict[str, float] = {}  # when the first of what is gathered was committed

    def room(self, tenant: TenantRef, room_id: UUID) -> LocalRoom | None:
        """The room, if a local socket is in it."""
        return self.local.rooms.get(groups.room(tenant.id, room_id))

    def sockets_of(self, tenant: TenantRef, person_id: UUID) -> list[Session]:
        """This process's sockets of one person."""
        return list(self.local.groups.get(groups.person(tenant.id, person_id), ()))

    def publish(self, tenant: TenantRef, room_id: UUID, lines: Sequence[tuple[int, bytes]], *, at: float | None = None) -> None:
        """Frames that take a seq, after their commit: to the room, here and elsewhere, in order. `at`: when, if not now."""
        group, at = groups.room(tenant.id, room_id), at or time.time()
        readers = len(room.members) if (room := self.local.rooms.get(group)) else 0
        if readers >= MANY and self._more_comes(tenant.id, room_id):
            self._since.setdefault(group, at)
            self._gathering.keep(group, lines, readers=readers)
        else:
            self._let_go(group, self._gathering.join(group, lines), at)

    def _let_go(self, group: str, lines: Lines, at: float = 0.0) -> None:
        """The others hear it first where the write takes long: they write at the same time, not after it."""
        room, at = self.local.rooms.get(group), self._since.pop(group, at)
        if self.bus.is_silent:
            self.local.offer(group, lines, at)
            return
        self.bus.say(group, {"k": "m", "lines": lines, "at": at})
        if room and len(room.members) >= MANY:
            self.local.loop.call_soon(self.local.offer, group, lines, at)  # behind the bus, which speaks in its own turn
        else:
            self.local.offer(group, lines, at)

    def tell(self, group: str, told: ServerFrame, *, only: str | None = None) -> None:
        """A frame of state to a room, a person or an inbox; `only` agents or only visitors of it. May be lost."""
        if not self._is_heard(group):
            return
        text = encode(told)
        self.local.tell(group, text, only)
        self.bus.say(group, {"k": "f", "f": text, "only": only})

    def _is_heard(self, group: str) -> bool:
        """Whether anybody may hear what is told to the group: else it need not be put into words."""
        return not self.bus.is_silent or self.local.has(group)

    def tell_mark(self, session: Session, room: LocalRoom, seq: int) -> None:
        """How far a socket's owner has read: to everyone in the room, and to their other sockets; in a crowd only to these."""
        told = Marks(room=room.id, who=session.principal.id, seq=seq)
        if not room.crowded:
            self.tell(room.group, told)
        self._tell_own(session, told)

    def _tell_own(self, session: Session, told: Marks) -> None:
        """To every socket of its owner; those in the room have it already, if it is no crowd. May be lost."""
        tenant, who, text = session.tenant, session.principal, encode(told)
        place, local = self.room(tenant, told.room), self.local.tenant(tenant.id)
        for mine in self.sockets_of(tenant, who.id):
            if told.room not in mine.rooms or (place and place.crowded):
                mine.send_text(text)
        if local is not None and local.roster.is_elsewhere(who.id):
            self.bus.say(groups.person(tenant.id, who.id), {"k": "f", "f": text, "only": None})

    def notify(self, tenant: TenantRef, notice: Notice, to: Sequence[tuple[UUID, UUID]]) -> None:
        """A notification to every socket of many: each recipient and the id of their own copy. One message to each process."""
        group, text, pairs = groups.here(tenant.id), encode(notice), [(who.bytes, ident.bytes) for who, ident in to]
        self.local.notify(group, text, pairs)
        if not self.bus.is_silent:
            self.bus.say(group, {"k": "notices", "notice": text, "to": pairs})

    def tell_seen(self, tenant: TenantRef, person_id: UUID, notification: UUID | None, unread: int) -> None:
        """Somebody has seen one of their notifications, or all, and so many are left: to all their sockets. May be lost."""
        which = {"all": True} if notification is None else {"notification": notification}
        self.tell(groups.person(tenant.id, person_id), SeenOut(unread=unread, **which))

    def tell_summary(self, tenant: TenantRef, room: Summary) -> None:
        """A room's new summary to the tenant's agents and to its visitor."""
        self.tell(groups.inbox(tenant.id), RoomOut(room=room.id, summary=room))
        if isinstance(room.visitor, UUID):
            self.tell(groups.person(tenant.id, room.visitor), RoomOut(room=room.id, summary=for_visitor(room)))

    def end(self, group: str, code: int, *, sid: str | None = None) -> None:
        """Close every socket of a group, or only those of one sign-in, on every process."""
        self.local.end(group, code, sid)
        self.bus.say(group, {"k": "end", "code": code, "sid": sid})

    def published(self, tenant: TenantRef, events: Sequence[Published]) -> None:
        """What services stored in their own transactions, after the commit."""
        at = time.time()
        stored = [Stored(tenant, event.row, event.done, at) for event in events if event.done.outcome == "stored"]
        MESSAGES.add(count=len(stored))
        self._stored(stored)

    def _reached(self, known: Sequence[Stored]) -> None:
        """These numbers are taken, and maybe nobody was told: each process reads what its readers lack, as it stands by now."""
        rooms: dict[str, list[Stored]] = {}
        for one in known:
            rooms.setdefault(groups.room(one.tenant.id, one.row.room_id), []).append(one)
        for group, entries in rooms.items():
            seq = max(one.done.seq for one in entries)
            self.local.reaches(group, seq)
            self.bus.say(group, {"k": "head", "seq": seq})
            if summary := next((one.done.summary() for one in entries if one.done.room is not None), None):
                self.tell_summary(entries[0].tenant, summary)

    def _stored(self, stored: Sequence[Stored]) -> None:
        rooms: dict[tuple[UUID, UUID], list[Stored]] = {}
        for entry in stored:
            rooms.setdefault((entry.tenant.id, entry.row.room_id), []).append(entry)
        for entries in rooms.values():
            tenant, room_id = entries[0].tenant, entries[0].row.room_id
            lines = [(entry.done.seq, encode(frame_of(entry.row, entry.done))) for entry in entries]
            self.publish(tenant, room_id, lines, at=entries[0].at)
            news = [entry.done for entry in entries if entry.done.room is not None]
            if news and (summary := max(news, key=lambda done: done.seq).summary()):
                self.tell_summary(tenant, summary)
