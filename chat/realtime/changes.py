"""What was done to a room as a whole, or to somebody's place in it: told after the commit, on every process."""

from collections.abc import Sequence
from uuid import UUID

from chat.realtime import groups
from chat.realtime.append import for_visitor
from chat.realtime.expulsion import all_out, obey_out, out_of_room
from chat.realtime.hub import Hub, Published
from chat.realtime.protocol.outgoing import Left, RoomOut, Summary, encode
from chat.realtime.waiting import frame_of
from tenants.context import TenantRef


def room_changed(hub: Hub, tenant: TenantRef, room: Summary, events: Sequence[Published] = ()) -> None:
    """The system lines to the room, then its summary: to the agents' inbox and to the visitors who are in it, nobody else."""
    if events:
        hub.publish(tenant, room.id, [(event.done.seq, encode(frame_of(event.row, event.done))) for event in events])
    hub.tell_summary(tenant, room)
    if room.kind == "community":
        hub.tell(groups.room(tenant.id, room.id), RoomOut(room=room.id, summary=for_visitor(room)), only="visitor")


def put_out(hub: Hub, tenant: TenantRef, room_id: UUID, person_id: UUID | None = None) -> None:
    """End a person's place in a room on every process; without a person, that of every visitor who may not stay."""
    group, order = groups.room(tenant.id, room_id), out_of_room(person_id)
    obey_out(hub.local, hub, group, order)
    hub.bus.say(group, order)


def end_room(hub: Hub, tenant: TenantRef, room_id: UUID) -> None:
    """The room is no more: everybody is out of it, on every process, and it leaves the lists of the team."""
    group, order = groups.room(tenant.id, room_id), all_out()
    obey_out(hub.local, hub, group, order)
    hub.bus.say(group, order)
    hub.tell(groups.inbox(tenant.id), Left(room=room_id, code="not_found"))
