"""What was said in a room. Every function runs inside the tenant and comes back evaluated."""
# ruff: noqa: S608 - statements are put together from constants; values only ever go in as parameters

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from chat.access import VISIBLE, reader, room_for
from chat.realtime.protocol.codes import CATCH_UP, MAX_NAMED, PAGE_MESSAGES
from chat.realtime.protocol.outgoing import Mark, Message, Summary
from chat.selectors.pages import first_page
from chat.selectors.rows import (
    FROM_ROOMS,
    MESSAGE,
    SUMMARY,
    MessageRow,
    SummaryRow,
    json_column,
    message_of,
    rows,
    rows_for_each,
    summary_for,
)
from saas.core.errors import NotFound
from tenants.tokens import Principal

# One statement is one snapshot: the head, the summary, the marks and the messages cannot disagree. A client at position `after`
# of this epoch gets the rows changed since, oldest change first; one that is too far behind gets the newest page, newest first.
SNAPSHOT: Final = f"""
    WITH place AS MATERIALIZED (
        SELECT {SUMMARY},
            coalesce(room.epoch = %(epoch)s::uuid AND %(after)s::bigint <= room.last_seq AND {CATCH_UP} >= (
                SELECT count(*) FROM (
                    SELECT FROM chat_message message
                    WHERE message.room_id = room.id AND message.changed > %(after)s::bigint
                    ORDER BY message.changed LIMIT {CATCH_UP} + 1
                ) changes
            ), false) AS resumed,
            (SELECT coalesce(json_agg(json_build_object('who', reading.person_id, 'seq', reading.read_seq)), '[]')
             FROM (
                 SELECT someone.person_id, someone.read_seq FROM chat_participant someone WHERE someone.room_id = room.id
                 LIMIT {MAX_NAMED} + 1
             ) reading) AS marks
        {FROM_ROOMS} WHERE room.id = %(room)s AND {VISIBLE}
    )
    SELECT place.*, {MESSAGE}
    FROM place LEFT JOIN LATERAL (
        (SELECT * FROM chat_message change
         WHERE place.resumed AND change.room_id = %(room)s AND change.changed > %(after)s::bigint
         ORDER BY change.changed LIMIT {PAGE_MESSAGES} + 1)
        UNION ALL
        (SELECT * FROM chat_message newest
         WHERE NOT place.resumed AND newest.room_id = %(room)s
         ORDER BY newest.seq DESC LIMIT {PAGE_MESSAGES} + 1)
    ) message ON true
    ORDER BY CASE WHEN place.resumed THEN message.changed ELSE -message.seq END
"""
HISTORY: Final = f"""
    SELECT {MESSAGE} FROM chat_message message WHERE message.room_id = %(room)s AND message.seq < %(before)s
    ORDER BY message.seq DESC LIMIT {PAGE_MESSAGES} + 1
"""
OF_ONE: Final = f"""
    SELECT {MESSAGE} FROM chat_message message
    WHERE message.room_id = %(room)s AND message.author_id = %(author)s AND message.seq < %(before)s
    ORDER BY message.seq DESC LIMIT {PAGE_MESSAGES} + 1
"""
CHANGES: Final = f"""
    SELECT {MESSAGE} FROM chat_message message WHERE message.room_id = %(room)s AND message.changed > %(after)s
    ORDER BY message.changed LIMIT %(limit)s
"""
RESUMED: Final = len(SummaryRow._fields)  # where the columns of SNAPSHOT that follow the summary begin
FIRST_OF_MESSAGE: Final = RESUMED + 2
CHANGED: Final = FIRST_OF_MESSAGE + MessageRow._fields.index("changed")  # `seq` stands before it
POSITION: Final = {"me": "uuid", "site": "uuid", "room": "uuid", "epoch": "uuid", "after": "bigint"}
STORED: Final = """
    SELECT 1 FROM chat_message WHERE author_id = %(me)s AND cid = %(cid)s AND room_id = %(room)s
    UNION ALL SELECT 1 FROM chat_change WHERE author_id = %(me)s AND cid = %(cid)s AND room_id = %(room)s
"""
HEADS: Final = "SELECT id, last_seq, epoch FROM chat_room WHERE id = ANY(%(rooms)s)"


@dataclass(frozen=True, slots=True)
class JoinedSnapshot:
    """A room at one moment, for one person.

    With `resumed` the messages are what changed after the person's position, oldest change first, and `more` changes may be
    left: ask again after the `changed` of the last one. Without, they are the newest page, oldest first, and `more` are older.
    """

    summary: Summary
    epoch: UUID
    head: int
    resumed: bool
    messages: list[Message]
    more: bool
    marks: list[Mark]  # empty in a room of more than 50 people
    is_member: bool  # the person has a place in the room


class Head(NamedTuple):
    """How far a room has come, in which history."""

    seq: int
    epoch: UUID


class Position(NamedTuple):
    """Where somebody stands who joins a room."""

    principal: Principal
    room_id: UUID
    epoch: UUID | None = None
    after: int | None = None


def snapshot(principal: Principal, room_id: UUID, *, epoch: UUID | None = None, after: int | None = None) -> JoinedSnapshot:
    """The room as one consistent snapshot, from the person's position on if they have one. Raises NotFound."""
    found = rows(SNAPSHOT, {**reader(principal), "room": room_id, "epoch": epoch, "after": after})
    if not found:
        raise NotFound("There is no such room.")
    return _snapshot(principal, found)


def snapshots_for_visitors(asked: list[Position]) -> list[JoinedSnapshot | None]:
    """`snapshot` for each of these visitors, in one statement; None for a room that does not exist or may not be seen."""
    return _snapshots("visitor", asked)


def snapshots_for_agents(asked: list[Position]) -> list[JoinedSnapshot | None]:
    """The same for agents."""
    return _snapshots("agent", asked)


def _snapshots(kind: str, asked: list[Position]) -> list[JoinedSnapshot | None]:
    values = [{**reader(one.principal), "room": one.room_id, "epoch": one.epoch, "after": one.after} for one in asked]
    found = rows_for_each(SNAPSHOT, POSITION, values, {"reader": kind})
    for each in found:
        if len(each) > 1:
            each.sort(key=lambda row: row[CHANGED] if row[RESUMED] else -row[CHANGED - 1])
    return [_snapshot(one.principal, each) if each else None for one, each in zip(asked, found, strict=True)]


def _snapshot(principal: Principal, found: list[tuple[Any, ...]]) -> JoinedSnapshot:
    place = SummaryRow(*found[0][:RESUMED])
    summary = summary_for(place, principal.kind)
    resumed, marks = found[0][RESUMED:FIRST_OF_MESSAGE]
    messages, more = _page([row[FIRST_OF_MESSAGE:] for row in found if row[FIRST_OF_MESSAGE]], principal.id, oldest_first=resumed)
    return JoinedSnapshot(
        summary=summary,
        epoch=summary.epoch,
        head=summary.head,
        resumed=resumed,
        messages=messages,
        more=more,
        marks=_marks(marks),
        is_member=place.my_role is not None,
    )


def history(principal: Principal, room_id: UUID, *, before: int) -> tuple[list[Message], bool]:
    """The page of messages born before `before`, oldest first, and whether there are older ones. Raises NotFound."""
    room_for(principal, room_id)
    return _page(rows(HISTORY, {"room": room_id, "before": before, "me": principal.id}), principal.id)


def messages_of(principal: Principal, room_id: UUID, author_id: UUID, *, before: int) -> tuple[list[Message], bool]:
    """The same of what one person said in the room."""
    room_for(principal, room_id)
    values = {"room": room_id, "author": author_id, "before": before, "me": principal.id}
    return _page(rows(OF_ONE, values), principal.id)


def heads(room_ids: Sequence[UUID]) -> dict[UUID, Head]:
    """How far each of these rooms has come; a room that is gone is left out."""
    return {room: Head(*found) for room, *found in rows(HEADS, {"rooms": list(room_ids)})} if room_ids else {}


def is_stored(principal: Principal, room_id: UUID, cid: UUID) -> bool:
    """Whether this person has said or changed something in the room under this `cid`. Their place in it is not checked."""
    return bool(rows(STORED, {"room": room_id, "me": principal.id, "cid": cid}))


def changes_after(room_id: UUID, after: int, limit: int = CATCH_UP) -> list[Message]:
    """What changed in the room after `after`, oldest change first. Nobody's access is checked: for the room's own group."""
    values = {"room": room_id, "after": after, "limit": limit, "me": None}
    return [message_of(MessageRow(*row)) for row in rows(CHANGES, values)]


def _page(found: list[tuple[Any, ...]], me: UUID, *, oldest_first: bool = False) -> tuple[list[Message], bool]:
    """The rows that fit, from the first on; always oldest first in the answer."""
    messages, more = first_page(message_of(MessageRow(*row), me) for row in found)
    return (messages if oldest_first else messages[::-1]), more


def _marks(column: Any) -> list[Mark]:
    marks = msgspec.convert(json_column(column), list[Mark])
    return marks if len(marks) <= MAX_NAMED else []
