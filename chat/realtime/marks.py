"""Read marks and visitors' pages: state that is told at once and stored a moment later, many in one statement."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.db import InterfaceError, OperationalError, connection

from chat.realtime.by_tenant import ByTenant
from chat.realtime.session import Session
from saas.core.ids import uuid7
from tenants.context import TenantRef, run_in_tenant

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.5
RETRY_SECONDS = 2.0
MAX_WAITING = 20_000  # marks; above, new ones are dropped: the reader's next mark says more

GIVEN = """
    WITH given AS MATERIALIZED (
        SELECT g.*, room.last_seq, g.kind = 'visitor' AND room.kind = 'community' AS is_guest
        FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::uuid[], %s::text[], %s::bigint[])
            AS g (id, room_id, kind, person_id, name, seq)
        JOIN chat_room room ON room.id = g.room_id
    ),
"""

# A mark only moves forward, and never past the end of the room. A first mark makes its reader one of the room's people.
STORE = f"""
    {GIVEN} marked AS (
        INSERT INTO chat_participant AS p (id, room_id, kind, person_id, name, read_seq, joined_at)
        SELECT g.id, g.room_id, g.kind, g.person_id, g.name, least(g.seq, g.last_seq), now() FROM given g WHERE NOT g.is_guest
        ORDER BY g.room_id, g.person_id
        ON CONFLICT (room_id, person_id) DO UPDATE SET read_seq = greatest(p.read_seq, excluded.read_seq)
        RETURNING p.room_id, p.id
    )
    UPDATE chat_room room SET people = room.people + new.count
    FROM (SELECT m.room_id, count(*) FROM marked m JOIN given g ON g.id = m.id GROUP BY m.room_id) new WHERE room.id = new.room_id
"""  # noqa: S608  # put together from constants

# A visitor of a community room is one of its people by joining it: a mark that comes late does not bring back who was removed.
STORE_GUESTS = f"""
    {GIVEN} held AS (
        SELECT p.id, least(g.seq, g.last_seq) AS seq
        FROM given g JOIN chat_participant p ON p.room_id = g.room_id AND p.person_id = g.person_id
        WHERE g.is_guest ORDER BY p.id FOR NO KEY UPDATE OF p
    )
    UPDATE chat_participant p SET read_seq = held.seq FROM held WHERE p.id = held.id AND p.read_seq < held.seq
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class MarkRow:
    """How far one person has read one room."""

    room_id: UUID
    kind: str
    person_id: UUID
    name: str
    seq: int


def store_marks(rows: Sequence[MarkRow]) -> None:
    """Store the marks, in one statement for each kind of room. Inside the tenant."""
    given: list[Any] = [
        [uuid7() for _ in rows],
        [row.room_id for row in rows],
        [row.kind for row in rows],
        [row.person_id for row in rows],
        [row.name for row in rows],
        [row.seq for row in rows],
    ]
    with connection.cursor() as cursor:
        cursor.execute(STORE, given)
        if any(row.kind == "visitor" for row in rows):
            cursor.execute(STORE_GUESTS, given)


class Marks:
    """What waits to be stored, per tenant; the newest mark of each reader and room. No tenant waits for another's tables."""

    def __init__(self) -> None:
        self._waiting: dict[TenantRef, dict[tuple[UUID, UUID], MarkRow]] = {}
        self._by_tenant = ByTenant("marks", self._store, self._waiting.__contains__)

    def note(self, session: Session, room_id: UUID, seq: int) -> None:
        """The owner of the socket has read the room up to `seq`."""
        waiting = self._waiting.setdefault(session.tenant, {})
        who = session.principal
        if len(waiting) < MAX_WAITING:
            before = waiting.get((room_id, who.id))
            waiting[room_id, who.id] = MarkRow(room_id, who.kind, who.id, who.name, max(seq, before.seq if before else 0))
        self._by_tenant.wake(session.tenant, gather=FLUSH_SECONDS, retry=RETRY_SECONDS)

    async def flush(self, *, seconds: float | None = None) -> bool:
        """Store what waits, behind what is under way; with `seconds`, which each tenant has, as the last. Whether all is."""
        return await self._by_tenant.all(list(self._waiting), seconds=seconds)

    def stop(self) -> None:
        """Store nothing more by itself."""
        self._by_tenant.stop()

    async def _store(self, tenant: TenantRef) -> bool:
        """What the database could not take waits on; what it refuses is dropped, and costs one mark."""
        rows = self._waiting.pop(tenant, None)
        if rows is None:
            return True
        try:
            await run_in_tenant(tenant, store_marks, list(rows.values()))
        except (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError) as error:
            log.warning("marks of tenant %s are not stored yet: %s", tenant.id, error)
            newer = self._waiting.get(tenant, {})
            self._waiting[tenant] = rows | {key: row for key, row in newer.items() if key not in rows or row.seq > rows[key].seq}
            return False
        except Exception as error:
            log.error("marks of tenant %s are refused: %s: %s", tenant.id, type(error).__name__, error)
        return True
