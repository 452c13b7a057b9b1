"""What the database holds after a run, by plain SQL. Nothing of the product is used."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg import sql

from tests.chaos.logs import Line

RECOVERY_SECONDS: Final = 60.0  # that the database may take to come back before it is judged

Reactions = dict[str, dict[str, set[str]]]  # message id -> emoji -> who


@dataclass(frozen=True, slots=True)
class Stored:
    """A room as the database holds it."""

    last_seq: int
    lines: dict[str, Line]  # by message id
    authors: dict[str, str]  # message id -> person id
    changes: dict[tuple[str, str], tuple[int, str]]  # person id and cid -> seq and message id
    reactions: Reactions = field(default_factory=dict)  # the rows, whose sums stand in `lines`
    last_text: str = ""  # the room's last line, as lists show it


@dataclass(frozen=True, slots=True)
class Told:
    """A stored notification."""

    id: str
    recipient: str
    words: str
    seen: bool
    early: bool = True  # it was stored before everybody looked for the last time


def read_rooms(database: str, schema: str, rooms: Sequence[str]) -> dict[str, Stored]:
    """The rooms of a tenant in one snapshot."""
    with _connected(database) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
        return {room: _read_room(connection, room) for room in rooms}


def _connected(database: str) -> psycopg.Connection[Any]:
    """A connection, as soon as the database takes one: it may be recovering from its log."""
    over = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            return psycopg.connect(database, connect_timeout=5)
        except psycopg.OperationalError:
            if time.monotonic() > over:
                raise
            time.sleep(0.2)


def read_heads(database: str, schema: str, rooms: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The last seq of each room, and how many messages it has: how far a view must have come."""
    with psycopg.connect(database, connect_timeout=5) as connection:
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
        found = connection.execute(
            "SELECT r.id::text, r.last_seq, (SELECT count(*) FROM chat_message m WHERE m.room_id = r.id) FROM chat_room r"
            " WHERE r.id = ANY (%s::uuid[])",
            [list(rooms)],
        ).fetchall()
    return {room: (head, count) for room, head, count in found}


def _read_room(connection: psycopg.Connection[Any], room: str) -> Stored:
    head = connection.execute("SELECT last_seq, last_text FROM chat_room WHERE id = %s", [room]).fetchone()
    rows = connection.execute(
        "SELECT id::text, seq, changed, coalesce(cid::text, ''), coalesce(author_id::text, ''), text, deleted_at IS NOT NULL,"
        " reactions FROM chat_message WHERE room_id = %s ORDER BY seq",
        [room],
    ).fetchall()
    changes = connection.execute(
        "SELECT author_id::text, cid::text, seq, message_id::text FROM chat_change WHERE room_id = %s", [room]
    ).fetchall()
    return Stored(
        last_seq=head[0] if head else 0,
        lines={row[0]: Line(row[1], row[0], row[2], row[3], row[5], row[6], _reactions(row[7])) for row in rows},
        authors={row[0]: row[4] for row in rows},
        changes={(author, cid): (seq, message) for author, cid, seq, message in changes},
        reactions=_read_reactions(connection, room),
        last_text=head[1] if head else "",
    )


def _read_reactions(connection: psycopg.Connection[Any], room: str) -> Reactions:
    rows = connection.execute(
        "SELECT r.message_id::text, r.emoji, r.person_id::text FROM chat_reaction r"
        " JOIN chat_message m ON m.id = r.message_id WHERE m.room_id = %s",
        [room],
    ).fetchall()
    found: Reactions = defaultdict(lambda: defaultdict(set))
    for message, emoji, person in rows:
        found[message][emoji].add(person)
    return found


def read_told(database: str, schemas: Sequence[str]) -> frozenset[str]:
    """The ids of all notifications of these tenants."""
    return frozenset(one.id for schema in schemas for one in read_notifications(database, schema))


def read_notifications(database: str, schema: str) -> list[Told]:
    """All of a tenant, oldest first."""
    with _connected(database) as connection:
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
        rows = connection.execute(
            "SELECT id::text, recipient_id::text, title || ' ' || body, seen_at IS NOT NULL FROM chat_notification"
            " ORDER BY created_at, id"
        ).fetchall()
    return [Told(*row) for row in rows]


def _reactions(column: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    """However the sum is kept: as a number, a list of people, or an object with `n`."""
    counts = {emoji: said.get("n", 0) if isinstance(said, dict) else said for emoji, said in (column or {}).items()}
    return tuple(sorted((emoji, len(said) if isinstance(said, list) else int(said)) for emoji, said in counts.items()))
