"""Storing notifications: one statement for any number of recipients, which asks for their settings, too. Inside the tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection
from psycopg.types.json import Jsonb

from chat.notifications.categories import CATEGORIES, VISITOR
from chat.notifications.draft import Draft
from chat.realtime.protocol.moments import stamp
from chat.realtime.protocol.outgoing import Notice
from saas.core.errors import NotFound

# Who is told: those of the recipients (or of all members) whose role fits, who want to hear of the category, and who have not
# been told yet. Of `strict` recipients each must be a member or a visitor of the tenant: if one is neither, nothing is stored and
# the strangers come back.
STORE: Final = """
    WITH people AS (
        SELECT user_id AS id, role FROM public.members_of_tenant(%(recipients)s::uuid[])
        UNION ALL SELECT id, %(visitor)s FROM chat_visitor WHERE id = ANY(%(recipients)s::uuid[])
    ), strangers AS (
        SELECT unnest(%(recipients)s::uuid[]) AS id EXCEPT SELECT id FROM people
    ), stored AS (
        INSERT INTO chat_notification (id, recipient_id, category, kind, title, body, room_id, url, actions, key, created_at)
        SELECT uuidv7(), people.id, %(category)s, %(kind)s, %(title)s, %(body)s, %(room)s, %(url)s, %(actions)s, %(key)s,
               statement_timestamp()
        FROM people
        LEFT JOIN chat_notificationsetting setting ON setting.recipient_id = people.id AND setting.category = %(category)s
        WHERE (%(roles)s::text[] IS NULL OR people.role = ANY(%(roles)s::text[]))
          AND coalesce(setting.wanted, people.role = ANY(%(wanted_by)s))
          AND NOT (%(strict)s AND EXISTS (SELECT FROM strangers))
        ON CONFLICT DO NOTHING
        RETURNING recipient_id, id, created_at
    )
    SELECT recipient_id, id, created_at FROM stored
    UNION ALL SELECT id, NULL, NULL FROM strangers WHERE %(strict)s
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A notification that was stored: what it says, and for each recipient the id of their own copy."""

    notice: Notice
    to: list[tuple[UUID, UUID]]


def store_for(recipients: Sequence[UUID], draft: Draft, *, strict: bool = True) -> Sent | None:
    """Store it for these people, one copy each, except for those who do not want it or have one under the same key.

    None: for nobody. Raises NotFound for somebody who is neither an active member nor a visitor of the tenant; without `strict`
    they are left out.
    """
    return _store(draft, recipients=list(recipients), roles=None, strict=strict) if recipients else None


def store_for_roles(roles: frozenset[str], draft: Draft) -> Sent | None:
    """The same for all members with one of these roles."""
    return _store(draft, recipients=None, roles=sorted(roles), strict=False)


def _store(draft: Draft, **whom: Any) -> Sent | None:
    facts = {name: getattr(draft, name) for name in ("category", "kind", "title", "body", "room", "url", "key")}
    facts |= {"actions": Jsonb(draft.actions), "wanted_by": sorted(CATEGORIES[draft.category].wanted_by), "visitor": VISITOR}
    with connection.cursor() as cursor:
        cursor.execute(STORE, facts | whom)
        rows = cursor.fetchall()
    if strangers := [who for who, ident, _ in rows if ident is None]:
        raise NotFound(f"{strangers[0]} is neither a member nor a visitor of the tenant.", field="recipients")
    return Sent(_notice(draft, rows[0]), [(who, ident) for who, ident, _ in rows]) if rows else None


def _notice(draft: Draft, row: tuple[Any, UUID, Any]) -> Notice:
    return Notice(
        id=row[1],
        kind=draft.kind,
        title=draft.title,
        body=draft.body,
        url=draft.url,
        ts=stamp(row[2]),
        room=draft.room,
        actions=draft.actions,
    )
