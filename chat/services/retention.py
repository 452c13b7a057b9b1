"""What is older than the tenant's plan keeps is deleted, in small steps, with all that repeats its words."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from saas.core.ids import uuid7_floor

STEP: Final = 500  # messages
OLD: Final = "SELECT id, room_id FROM chat_message WHERE id < %(before)s ORDER BY id LIMIT %(step)s"
PARTS: Final = (
    "DELETE FROM chat_reaction WHERE message_id = ANY(%(messages)s)",
    "DELETE FROM chat_change WHERE message_id = ANY(%(messages)s)",
    "DELETE FROM chat_report WHERE message_id = ANY(%(messages)s)",
    "DELETE FROM chat_message WHERE id = ANY(%(messages)s)",
)
# Another epoch: who has a view of before throws it away, with the words that are not here any more. Once, with the last of them.
ROOMS: Final = """
    UPDATE chat_room SET rev = rev + 1, pinned = pinned - %(messages)s::text[], open_hash = NULL,
        last_text = CASE WHEN last_at < %(cutoff)s THEN '' ELSE last_text END,
        last_by = CASE WHEN last_at < %(cutoff)s THEN '' ELSE last_by END,
        epoch = CASE WHEN %(before)s > (
            SELECT oldest.id FROM chat_message oldest WHERE oldest.room_id = chat_room.id ORDER BY oldest.seq LIMIT 1
        ) THEN epoch ELSE uuidv7() END
    WHERE id = ANY(%(rooms)s)
"""
NOTICES: Final = "DELETE FROM chat_notification WHERE created_at < %(cutoff)s"


def delete_older(cutoff: datetime) -> int:
    """Delete at most 500 messages that were said before then; how many. Call it again until there are none. Inside the tenant.

    The numbers of what stays do not change, and a room's next number is the one that it would have been.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        before = uuid7_floor(cutoff)
        cursor.execute(OLD, {"before": before, "step": STEP})
        found: list[tuple[UUID, UUID]] = cursor.fetchall()
        if found:
            values: dict[str, Any] = {"messages": [message for message, _ in found], "cutoff": cutoff, "before": before}
            for statement in PARTS:
                cursor.execute(statement, values)
            cursor.execute(ROOMS, {**values, "messages": [str(one) for one in values["messages"]], "rooms": _rooms(found)})
        return len(found)


def delete_notices(cutoff: datetime) -> None:
    """Notifications hold words, too. Inside the tenant."""
    with connection.cursor() as cursor:
        cursor.execute(NOTICES, {"cutoff": cutoff})


def _rooms(found: list[tuple[UUID, UUID]]) -> list[UUID]:
    """In the order in which everybody locks them."""
    return sorted({room for _, room in found})
