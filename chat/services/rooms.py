"""What becomes of a room as a whole."""

from typing import Final
from uuid import UUID, uuid4

from django.db import transaction

from chat.access import room_for
from chat.models import Room
from chat.realtime.append import Row, append_sync
from chat.realtime.hub import Published, from_thread
from chat.realtime.protocol.outgoing import Author, Summary
from chat.selectors import summary_of
from saas.core.errors import Conflict, Forbidden, ReadOnly
from tenants.context import TenantRef, in_tenant
from tenants.tokens import Principal

SAID: Final = {Room.Status.RESOLVED: "{name} resolved this", Room.Status.OPEN: "{name} reopened this"}


def set_status(tenant: TenantRef, principal: Principal, *, room_id: UUID, status: Room.Status) -> Summary:
    """Resolve or reopen a support room; doing it twice changes nothing. Call it outside of the tenant.

    The change takes a system line, which everyone in the room gets after the commit. Raises NotFound, Forbidden for a visitor,
    ReadOnly for a role that may not answer, Conflict for a room that is not a support room.
    """
    with in_tenant(tenant):
        stored = _change(principal, room_id, status)
        seen = summary_of(room_id, principal)
    if stored:
        from_thread(lambda hub: hub.published(tenant, [stored]))
    return seen


def _change(principal: Principal, room_id: UUID, status: Room.Status) -> Published | None:
    """The stored system line, or None if the room had this status already."""
    access = room_for(principal, room_id)
    if principal.kind != "agent":
        raise Forbidden("Only the team resolves and reopens.")
    if not access.may_write:
        raise ReadOnly("Your role may read here, but not answer or resolve.")
    if access.kind != Room.Kind.SUPPORT:
        raise Conflict("Only a room with a visitor is resolved.")
    with transaction.atomic():
        room = Room.objects.select_for_update(no_key=True).only("status").get(id=room_id)
        if room.status == status:
            return None
        Room.objects.filter(id=room_id).update(status=status)
        return _say(room_id, SAID[status].format(name=principal.name))


def _say(room_id: UUID, text: str) -> Published:
    """A system line, in the transaction that holds the room's lock."""
    row = Row(room_id=room_id, author=Author(kind="system", id=None, name=""), cid=uuid4(), text=text, kind="system")
    done = append_sync([row])[0]
    if error := done.error():
        raise error
    return Published(row, done)
