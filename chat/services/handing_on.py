"""What becomes of the rooms of an agent who leaves: the answer to the hook `member_left`."""

from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction

from chat.models import Room
from chat.notifications import cut, send_notification
from chat.realtime.changes import room_changed
from chat.realtime.hub import Hub, from_thread
from chat.realtime.protocol.outgoing import Summary
from chat.selectors.rows import FROM_ROOMS, SUMMARY, SummaryRow, rows, summary_for
from tenants.context import TenantRef, in_tenant

MOST_TOLD: Final = 500  # rooms whose new holder open inboxes see at once; they find the others when they read them next

HAND_ON: Final = """
    UPDATE chat_room SET assignee_id = CASE WHEN status = 'open' THEN %(heir)s::uuid END, rev = rev + 1
    WHERE id IN (SELECT id FROM chat_room WHERE assignee_id = %(leaver)s ORDER BY id FOR NO KEY UPDATE)
    RETURNING id, status
"""
TOLD: Final = f"SELECT {SUMMARY} {FROM_ROOMS} WHERE room.id = ANY(%(rooms)s::uuid[])"


def hand_on(*, tenant: TenantRef, user_id: UUID, heir: UUID | None, name: str, by: str) -> int:
    """Give the open rooms that an agent holds to `heir`, or to nobody; the resolved ones are nobody's. How many were open.

    In the caller's transaction; open inboxes and the heir hear of it after the commit.
    """
    with in_tenant(tenant):
        moved = rows(HAND_ON, {"leaver": user_id, "heir": heir})
        found = rows(TOLD, {"rooms": [room for room, _status in moved][:MOST_TOLD], "me": None})
        told = [summary_for(SummaryRow(*row), None) for row in found]
    count = len([room for room, status in moved if status == Room.Status.OPEN])
    if moved:
        transaction.on_commit(partial(_tell, tenant, told))
    if heir is not None and count:
        title = f"{by} gave you the {_rooms(count)} of {name}"
        transaction.on_commit(partial(_tell_heir, tenant, heir, title), robust=True)  # if that fails, the rooms are theirs still
    return count


def held_by(*, tenant: TenantRef, user_id: UUID) -> int:
    """How many open rooms an agent holds. Called outside of the tenant."""
    with in_tenant(tenant):
        return int(Room.objects.filter(assignee_id=user_id, status=Room.Status.OPEN).count())


def _tell(tenant: TenantRef, rooms: list[Summary]) -> None:
    def act(hub: Hub) -> None:
        for room in rooms:
            room_changed(hub, tenant, room)

    from_thread(act)


def _tell_heir(tenant: TenantRef, heir: UUID, title: str) -> None:
    with in_tenant(tenant):
        send_notification(tenant, [heir], category="assignments", kind="assigned", title=cut(title, "title"), url="/inbox/")


def _rooms(count: int) -> str:
    return "room" if count == 1 else f"{count} rooms"
