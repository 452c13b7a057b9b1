"""Deleting a room for good, with all that was said in it. What was used stays counted. Called outside of the tenant."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from chat.access import Act, RoomAccess, room_to
from chat.models import Room
from chat.realtime.changes import end_room
from chat.realtime.hub import from_thread
from chat.services.rooms import lock_room, thing_of
from saas.core import files
from saas.core.errors import BadFrame, Conflict
from tenants.audit import record
from tenants.context import TenantRef, in_tenant
from tenants.tokens import Principal

log = logging.getLogger(__name__)

LONGEST: Final = "SET LOCAL statement_timeout = '5min'"  # a room may hold millions of messages
COUNTS: Final = """
    SELECT
        (SELECT count(*) FROM chat_message WHERE room_id = %(room)s AND kind <> 'system'),
        (SELECT count(*) FROM chat_participant WHERE room_id = %(room)s AND kind = 'visitor'),
        (SELECT coalesce(sum(jsonb_array_length(attachments)), 0) FROM chat_message
         WHERE room_id = %(room)s AND attachments <> '[]'),
        (SELECT count(*) FROM chat_report WHERE room_id = %(room)s),
        (SELECT count(*) FROM chat_invitation WHERE room_id = %(room)s AND uses_left > 0 AND expires_at > now())
"""
FILES: Final = """
    SELECT DISTINCT file->>'id' FROM chat_message, jsonb_array_elements(attachments) AS file
    WHERE room_id = %(room)s AND attachments <> '[]'
"""
# What hangs on something else goes first.
PARTS: Final = (
    "DELETE FROM chat_reaction USING chat_message said WHERE chat_reaction.message_id = said.id AND said.room_id = %(room)s",
    "DELETE FROM chat_change WHERE room_id = %(room)s",
    "DELETE FROM chat_report WHERE room_id = %(room)s",
    "DELETE FROM chat_message WHERE room_id = %(room)s",
    "DELETE FROM chat_participant WHERE room_id = %(room)s",
    "DELETE FROM chat_invitation WHERE room_id = %(room)s",
    "DELETE FROM chat_notification WHERE room_id = %(room)s",
    "DELETE FROM chat_room WHERE id = %(room)s",
)


@dataclass(frozen=True, slots=True)
class Losses:
    """What goes with a room, in numbers."""

    messages: int  # what people said; not the room's own lines
    people: int  # visitors who have a place in it
    files: int
    reports: int
    invitations: int  # that could still be used


def what_goes(tenant: TenantRef, principal: Principal, room_id: UUID) -> Losses:
    """What deleting the room would destroy. Raises NotFound, ReadOnly or Forbidden by role, Conflict for a support room."""
    with in_tenant(tenant):
        _deletable(room_to(Act.DELETE, principal, room_id))
        return _losses(room_id)


def delete_room(tenant: TenantRef, principal: Principal, *, room_id: UUID, sure: str) -> Losses:
    """Delete a community or team room with its messages, files, places and reports; `sure` is its title, typed once more.

    All in one transaction: it is gone or it is whole. Everybody is out of it at once. Usage that was counted stays. Raises as
    `what_goes`, and BadFrame with field `sure` for another title.
    """
    with in_tenant(tenant):
        _deletable(room_to(Act.DELETE, principal, room_id))
        with transaction.atomic():
            room = lock_room(room_id)
            _refuse_unsure(room, sure)
            lost, left = _losses(room_id), _files_of(room_id)
            _delete(room_id)
            record(tenant, by=principal, act="room.deleted", on=thing_of(room), before=asdict(lost))
    from_thread(lambda hub: end_room(hub, tenant, room_id))
    delete_files(tenant, left)
    return lost


def _deletable(access: RoomAccess) -> None:
    if access.kind == Room.Kind.SUPPORT or access.notes_of:
        raise Conflict("A room with a visitor is not deleted so.")


def _refuse_unsure(room: Room, sure: str) -> None:
    """Spaces that nobody sees do not count."""
    if " ".join(sure.split()) != " ".join(room.title.split()):
        raise BadFrame(f"This is not the room's title. Type {room.title!r} to delete it.", field="sure")


def _losses(room_id: UUID) -> Losses:
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, {"room": room_id})
        return Losses(*map(int, cursor.fetchone()))


def _files_of(room_id: UUID) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(FILES, {"room": room_id})
        return [UUID(found) for (found,) in cursor.fetchall() if found]


def _delete(room_id: UUID) -> None:
    values: dict[str, Any] = {"room": room_id}
    with connection.cursor() as cursor:
        cursor.execute(LONGEST)
        for statement in PARTS:
            cursor.execute(statement, values)


def delete_files(tenant: TenantRef, left: Sequence[UUID]) -> None:
    """After the commit. A file that storage does not let go is named in the log: nothing points to it any more."""
    for file_id in left:
        try:
            files.delete(tenant.id, file_id)
        except OSError as error:
            log.error("file %s of tenant %s was not deleted: %s", file_id, tenant.id, error)
