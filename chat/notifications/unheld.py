"""Lines of visitors that nobody has read: who holds the room hears of them, or all agents while nobody does.

One unseen notification stands for all lines of a room: while a recipient has one, no other is made.
"""

from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from chat.notifications.categories import CATEGORIES
from chat.notifications.draft import LONGEST
from chat.realtime.aftermath import Batch, Told
from chat.realtime.protocol.moments import stamp
from chat.realtime.protocol.outgoing import Notice
from tenants.context import TenantRef, in_tenant

KIND: Final = "message"
AT_ONCE: Final = 50  # rooms in one statement, which holds their lines for so long

# The line is locked while it is quoted: who deletes it comes before, and it is passed over, or after, and finds the quotation.
# What somebody has been told already is looked up one by one, by unique indexes: no join of all with all.
STORE: Final = """
    WITH asked AS (
        SELECT line.id, line.room_id, line.seq, line.text, line.author_name, room.assignee_id
        FROM unnest(%(lines)s::uuid[]) AS given (id)
        JOIN chat_message line ON line.id = given.id AND line.deleted_at IS NULL
        JOIN chat_room room ON room.id = line.room_id AND room.kind = 'support' AND room.closed_at IS NULL
        FOR SHARE OF line
    ), people AS MATERIALIZED (
        SELECT user_id AS id, role FROM public.members_of_tenant()
    ), looking AS (
        SELECT * FROM unnest(%(rooms)s::uuid[], %(lookers)s::uuid[]) AS looking (room_id, person_id)
    ), stored AS (
        INSERT INTO chat_notification (id, recipient_id, category, kind, title, body, room_id, url, actions, key, created_at)
        SELECT uuidv7(), people.id, 'messages', %(kind)s, asked.author_name || ' wrote',
               CASE WHEN length(asked.text) <= %(longest)s THEN asked.text ELSE left(asked.text, %(longest)s - 1) || '…' END,
               asked.room_id, '/inbox/' || asked.room_id || '/', '[]', 'message:' || asked.id, statement_timestamp()
        FROM asked CROSS JOIN people
        LEFT JOIN chat_notificationsetting setting ON setting.recipient_id = people.id AND setting.category = 'messages'
        WHERE coalesce(setting.wanted, people.role = ANY(%(wanted_by)s))
          AND (asked.assignee_id = people.id OR NOT EXISTS (SELECT FROM people holder WHERE holder.id = asked.assignee_id))
          AND NOT EXISTS (SELECT FROM looking WHERE looking.room_id = asked.room_id AND looking.person_id = people.id)
          AND NOT EXISTS (
              SELECT FROM chat_participant mark
              WHERE mark.room_id = asked.room_id AND mark.person_id = people.id AND mark.read_seq >= asked.seq
          )
          AND (SELECT told.id FROM chat_notification told
               WHERE told.recipient_id = people.id AND told.room_id = asked.room_id
                 AND told.category = 'messages' AND told.seen_at IS NULL) IS NULL
          AND (SELECT told.id FROM chat_notification told
               WHERE told.recipient_id = people.id AND told.key = 'room_opened:' || asked.room_id
                 AND told.seen_at IS NULL) IS NULL
        ON CONFLICT DO NOTHING
        RETURNING room_id, recipient_id, id, title, body, url, created_at
    )
    SELECT * FROM stored
"""


def tell_of_lines(tenant: TenantRef, batch: Batch) -> list[Told]:
    """Store what is due for the rooms of the batch. From a thread, outside of the tenant."""
    rooms = list(batch.rooms)
    parts = [rooms[start : start + AT_ONCE] for start in range(0, len(rooms), AT_ONCE)]
    return [told for part in parts for told in _tell_of(tenant, batch, part)]


def _tell_of(tenant: TenantRef, batch: Batch, rooms: list[UUID]) -> list[Told]:
    looking = [(room, who) for room in rooms for who in batch.looking.get(room, ())]
    facts: dict[str, Any] = {
        "lines": [batch.rooms[room].id for room in rooms],
        "rooms": [room for room, _ in looking],
        "lookers": [who for _, who in looking],
        "kind": KIND,
        "longest": LONGEST["body"],
        "wanted_by": sorted(CATEGORIES["messages"].wanted_by),
    }
    with in_tenant(tenant), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(STORE, facts)
        return _told(cursor.fetchall())


def _told(rows: list[tuple[Any, ...]]) -> list[Told]:
    """One notification for each room, with its recipients."""
    notices: dict[UUID, Told] = {}
    for room, who, ident, title, body, url, at in rows:
        if room not in notices:
            notices[room] = Told(Notice(id=ident, kind=KIND, title=title, body=body, url=url, ts=stamp(at), room=room), [])
        notices[room].to.append((who, ident))
    return list(notices.values())
