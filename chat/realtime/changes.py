"""What was done to a room as a whole, or to somebody's place in it: told after the commit, on every process."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from chat.access import who_may_stay
from chat.realtime import groups
from chat.realtime.append import for_visitor
from chat.realtime.protocol.outgoing import Left, RoomOut, Summary, encode
from chat.realtime.waiting import frame_of
from tenants.context import TenantRef, run_in_tenant

if TYPE_CHECKING:
    from chat.realtime.line import Item
    from chat.realtime.hub import Hub, Published
    from chat.realtime.room import LocalRoom
    from chat.realtime.session import Session

log = logging.getLogger(__name__)

RETRY_SECONDS: Final = 1.0  # until the database tells who may stay

_looking: set[asyncio.Task[None]] = set()  # the loop itself keeps only a weak reference


def room_changed(hub: "Hub", tenant: TenantRef, room: Summary, events: Sequence["Published"] = ()) -> None:
    """The system lines to the room, then its summary: to the agents' inbox and to the visitors who are in it, nobody else."""
    if events:
        hub.publish(tenant, room.id, [(event.done.seq, encode(frame_of(event.row, event.done))) for event in events])
    hub.tell_summary(tenant, room)
    if room.kind == "community":
        hub.tell(groups.room(tenant.id, room.id), RoomOut(room=room.id, summary=for_visitor(room)), only="visitor")


def put_out(hub: "Hub", tenant: TenantRef, room_id: UUID, person_id: UUID | None = None) -> None:
    """End a person's place in a room on every process; without a person, that of every visitor who may not stay."""
    group = groups.room(tenant.id, room_id)
    item: Item = {"k": "out", "who": person_id.hex if person_id else None}
    obey_out(hub, group, item)
    hub.bus.say(group, item)


def obey_out(hub: "Hub", group: str, item: "Item") -> None:
    """The order on this process. A socket that is just reading the room's history is put out, too."""
    room = hub.local.rooms.get(group)
    if room is None:
        return
    if item["who"]:
        _out(hub, room, [session for session in _sockets(room) if session.principal.id == UUID(item["who"])])
    else:
        task = hub.loop.create_task(_look_again(hub, room), name="look-again")
        _looking.add(task)
        task.add_done_callback(_looking.discard)


async def _look_again(hub: "Hub", room: "LocalRoom") -> None:
    """Ask the database who may stay, as long as it takes."""
    while visitors := [session for session in _sockets(room) if session.principal.kind == "visitor"]:
        try:
            people = list({session.principal.id for session in visitors})
            staying = await run_in_tenant(room.tenant, who_may_stay, room.id, people)
            return _out(hub, room, [session for session in visitors if session.principal.id not in staying])
        except Exception as error:
            log.warning("who may stay in a room is not known yet: %s: %s", type(error).__name__, error)
            await asyncio.sleep(RETRY_SECONDS)
    return None


def _sockets(room: "LocalRoom") -> list["Session"]:
    return [*room.members, *room.joining]


def _out(hub: "Hub", room: "LocalRoom", sessions: Iterable["Session"]) -> None:
    for session in set(sessions):
        if not hub.leave_room(session, room.id):
            room.leave(session)  # it was still reading: what it read is not shown
        session.send(Left(room=room.id, code="not_found"))
