"""Out of a room: the order that ends somebody's place in it on every process, and the look at the database that finds those whom
no order reached.
"""

import asyncio
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from chat.access import who_may_stay
from chat.realtime import groups
from chat.realtime.line import Item
from chat.realtime.local import Local
from chat.realtime.protocol.outgoing import Left
from chat.realtime.room import LocalRoom
from chat.realtime.session import Session
from tenants.context import run_in_tenant

log = logging.getLogger(__name__)

RETRY_SECONDS: Final = 1.0  # until the database tells who may stay


class Ways(Protocol):
    """The ways out of a room, the hub's."""

    def leave_room(self, session: Session, room_id: UUID) -> bool:
        """Whether the socket was in the room."""
        ...

    def quit_room(self, session: Session, room: LocalRoom) -> None:
        """Of a socket that is still reading."""
        ...


_looking: set[asyncio.Task[None]] = set()  # the loop itself keeps only a weak reference


def out_of_room(person_id: UUID | None) -> Item:
    """The order, for the room's group: this person, or without one every visitor who may not stay."""
    return {"k": "out", "who": person_id.hex if person_id else None}


def all_out() -> Item:
    """The order for a room that is no more: everybody, the team among them."""
    return {"k": "out", "who": None, "all": True}


def obey_out(local: Local, ways: Ways, group: str, item: Item) -> None:
    """The order on this process. A socket that is just reading the room's history is put out, too."""
    room = local.rooms.get(group)
    if room is None:
        return
    if item.get("all"):
        _out(room, ways, _sockets(room))
    elif item["who"]:
        _out(room, ways, [session for session in _sockets(room) if session.principal.id == UUID(item["who"])])
    else:
        task = local.loop.create_task(_look_again(room, ways), name="look-again")
        _looking.add(task)
        task.add_done_callback(_looking.discard)


async def _look_again(room: LocalRoom, ways: Ways) -> None:
    """Ask the database who may stay, as long as it takes."""
    while visitors := [session for session in _sockets(room) if session.principal.kind == "visitor"]:
        try:
            people = list({session.principal.id for session in visitors})
            staying = await run_in_tenant(room.tenant, who_may_stay, room.id, people)
            return _out(room, ways, [session for session in visitors if session.principal.id not in staying])
        except Exception as error:
            log.warning("who may stay in a room is not known yet: %s: %s", type(error).__name__, error)
            await asyncio.sleep(RETRY_SECONDS)
    return None


@dataclass(frozen=True, slots=True)
class Seat:
    """A visitor's socket in a room, as it stood before the database was asked."""

    room: LocalRoom
    session: Session
    turn: int  # of its place there; another one after it has joined that room again

    @property
    def place(self) -> tuple[UUID, UUID]:
        return self.room.id, self.session.principal.id

    @property
    def is_taken(self) -> bool:
        """Whether it still stands. Who has joined again meanwhile was looked at then, and is with the next ping."""
        return self.session in self.room.members and self.room.turn_of(self.session) == self.turn


def seats_of(local: Local, sessions: Iterable[Session]) -> list[Seat]:
    """Where the visitors among these are. (Agents see every room.)"""
    found = []
    for session in sessions:
        for room_id in session.rooms if session.principal.kind == "visitor" else ():
            room = local.rooms.get(groups.room(session.tenant.id, room_id))
            if room is not None and session in room.members:
                found.append(Seat(room, session, room.turn_of(session)))
    return found


def put_out_lost(seats: Iterable[Seat], lost: Collection[tuple[UUID, UUID]], ways: Ways) -> None:
    """These places are gone, and the order was lost on its way."""
    for seat in seats:
        if seat.place in lost and seat.is_taken:
            _out(seat.room, ways, [seat.session])


def _sockets(room: LocalRoom) -> list[Session]:
    return [*room.members, *room.joining]


def _out(room: LocalRoom, ways: Ways, sessions: Iterable[Session]) -> None:
    for session in set(sessions):
        if not ways.leave_room(session, room.id):
            ways.quit_room(session, room)  # it was still reading: what it read is not shown
        session.send(Left(room=room.id, code="not_found"))
