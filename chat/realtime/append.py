"""The rows that go into a schema's `append` function and what comes back. The journal and the services share it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection

from chat.realtime.protocol.moments import stamp
from chat.realtime.protocol.outgoing import Ack, Author, Message, Msg, Summary
from chat.selectors.rows import SummaryRow, summary_for
from saas.core.errors import AppError, Busy, Conflict, Forbidden, Muted, NotFound, RoomClosed, SlowMode

# What a room is after the flush: the last columns of `append` and of `amend`.
ROOM_COLUMNS: Final = (
    "room_id, kind, title, head, epoch, rev, status, visitor_id, last_text, last_by, last_at, site_id, site_name, assignee_id,"
    " labels, people, pinned, is_locked, is_closed, slow_seconds, notes_id, notes_of_id"
)
BUSY_SECONDS: Final = 0.2  # until a room that is held by others is worth another try
ROOM: Final = 6  # where they begin in what `append` returns
HEAD: Final = 3  # the room's last seq among them
PEOPLE: Final = 16  # and how many of them stand before a reader's count of unread messages in a summary's row,
SLOW: Final = 20  # and before what the reader is in the room


@dataclass(frozen=True, slots=True)
class Row:
    """One message to be stored. The same `cid` of the same author in the same room is stored once, for ever."""

    room_id: UUID
    author: Author
    cid: UUID
    text: str
    kind: Literal["text", "system", "form"] = "text"
    reply_to: UUID | None = None

    def content_hash(self) -> bytes:
        """What must be equal for a repeat of the `cid` to be a repeat of the message."""
        return hashlib.sha256(f"{self.kind}\0{self.reply_to}\0{self.text}".encode()).digest()


class Appended(NamedTuple):
    """What became of one row."""

    ord: int
    outcome: str
    wait: float | None  # seconds until its author may write here
    seq: int
    id: UUID
    ts: datetime
    room: tuple[Any, ...] | None  # `ROOM_COLUMNS`, beside the last new row of each room and beside repeats

    def error(self) -> AppError | None:
        """Why nothing was stored; None when it was, now or before."""
        return refusal_for(self.outcome, self.wait)

    def frame(self, row: Row) -> Msg:
        """The `msg` that everyone in the room gets."""
        return Msg(room=row.room_id, seq=self.seq, message=_message(row, self))

    def ack(self, row: Row) -> Ack:
        """The answer to the sender."""
        return Ack(cid=row.cid, room=row.room_id, seq=self.seq, id=self.id, ts=stamp(self.ts))

    def summary(self) -> Summary | None:
        """The room's news, if it is told beside this row."""
        return summary_of_room(self.room)


@dataclass(frozen=True, slots=True)
class Call:
    """One of the two functions: its statement, its arrays, and how the answer to some rows is read, one result for each."""

    statement: str  # with `{schema}`
    columns: Callable[[Sequence[Any]], tuple[list[Any], ...]]
    read: Callable[[Sequence[Any], Sequence[Sequence[Any]]], list[Any]]


def _columns(rows: Sequence[Row]) -> tuple[list[Any], ...]:
    return (
        [row.room_id for row in rows],
        [row.author.kind for row in rows],
        [row.author.id for row in rows],
        [row.author.name for row in rows],
        [row.cid for row in rows],
        [row.content_hash() for row in rows],
        [row.kind for row in rows],
        [row.text for row in rows],
        [row.reply_to for row in rows],
    )


def _read(rows: Sequence[Row], found: Sequence[Sequence[Any]]) -> list[Appended]:
    """From one answer for each row; or for each room, when nothing stood in the way of any row: those have no `ord`."""
    if found and found[0][0] is None:
        return _all_stored(rows, {room[ROOM]: room for room in found})
    return [Appended._make((*one[:ROOM], None if one[ROOM] is None else tuple(one[ROOM:]))) for one in found]


def _all_stored(rows: Sequence[Row], rooms: dict[UUID, Sequence[Any]]) -> list[Appended]:
    """Each room tells its first new seq, the id of the flush's first row, which the others' ids follow, and the moment."""
    done: list[Appended] = []
    new = dict.fromkeys(rooms, 0)
    for place, row in enumerate(rows):
        _, outcome, _, first, ident, ts, *room = rooms[row.room_id]
        seq = first + new[row.room_id]
        new[row.room_id] += 1
        told = tuple(room) if seq == room[HEAD] else None
        done.append(Appended(place + 1, outcome, None, seq, UUID(int=ident.int + place), ts, told))
    return done


APPEND: Final = Call(
    f"SELECT ord, outcome, wait, seq, id, ts, {ROOM_COLUMNS} "  # noqa: S608 - constants
    "FROM {schema}append(%s::uuid[], %s::text[], %s::uuid[], %s::text[], %s::uuid[], %s::bytea[],"
    " %s::text[], %s::text[], %s::uuid[])",
    _columns,
    _read,
)


def call_sync(call: Call, rows: Sequence[Any]) -> list[Any]:
    """Call the function in the current transaction of the current tenant; in the order of `rows`."""
    with connection.cursor() as cursor:
        cursor.execute(call.statement.format(schema=""), call.columns(rows))
        found: list[Any] = call.read(rows, cursor.fetchall())
    return found


def append_sync(rows: Sequence[Row]) -> list[Appended]:
    """Store the rows in the current transaction of the current tenant; in the order of `rows`.

    Needs a transaction, in which the caller has locked the rooms if `busy` is not welcome. Publish only after its commit.
    """
    return call_sync(APPEND, rows)


# Outcomes of `append` and `amend` that store nothing, and what the sender hears.
_REFUSED: Final[dict[str, tuple[type[AppError], str, str | None]]] = {
    "not_found": (NotFound, "There is no such room.", "room"),
    "conflict": (Conflict, "This cid was used in this room before, for something else.", "cid"),
    "busy": (Busy, "The room is very busy. Send the frame again.", None),
    "room_closed": (RoomClosed, "This room takes no more messages.", None),
    "muted": (Muted, "You may not write in this room for now.", None),
    "slow_mode": (SlowMode, "This room is in slow mode: write again in a moment.", None),
    "astray": (NotFound, "There is no such message in this room.", "reply_to"),
    "no_message": (NotFound, "There is no such message in this room.", "message"),
    "forbidden": (Forbidden, "This message is not yours to change.", "message"),
    "too_many": (Forbidden, "This message holds as many different reactions as it can.", "emoji"),
}


def refusal_for(outcome: str, wait: float | None) -> AppError | None:
    """What an outcome is to the sender; None for what was stored, now or before."""
    if outcome in ("stored", "same", "again"):
        return None
    error, message, field = _REFUSED[outcome]
    return error(message, field=field, retry_after=BUSY_SECONDS if outcome == "busy" else wait)


def summary_of_room(room: tuple[Any, ...] | None) -> Summary | None:
    """The summary of `ROOM_COLUMNS` as the hub tells it: with what is the team's, without what is one reader's."""
    if room is None:
        return None
    unread, my_role, muted_until = 0, None, None
    columns = (*room[:PEOPLE], unread, *room[PEOPLE:SLOW], my_role, muted_until, *room[SLOW:])
    return summary_for(SummaryRow(*columns), None)


def for_visitor(room: Summary) -> Summary:
    """The summary without what only the team may see."""
    return msgspec.structs.replace(room, assignee=msgspec.UNSET, labels=msgspec.UNSET, notes=msgspec.UNSET)


def _message(row: Row, done: Appended) -> Message:
    return Message(
        id=done.id,
        room=row.room_id,
        seq=done.seq,
        changed=done.seq,
        cid=row.cid,
        by=row.author,
        kind=row.kind,
        text=row.text,
        reply_to=msgspec.UNSET if row.reply_to is None else row.reply_to,
        ts=stamp(done.ts),
    )
