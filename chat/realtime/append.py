"""The rows that go into a schema's `append` function and what comes back. The journal and the services share it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from django.db import connection

from chat.realtime.protocol.outgoing import Ack, Author, LastLine, Message, Msg, Summary, stamp
from saas.core.errors import AppError, Busy, Conflict, NotFound, RoomClosed

CALL = (
    "SELECT * FROM {schema}append(%s::uuid[], %s::text[], %s::uuid[], %s::text[], %s::uuid[], %s::bytea[],"
    " %s::text[], %s::text[], %s::uuid[])"
)


LABELS = 11  # the column of the labels


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


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of one row; the room's columns are those after this flush."""

    ord: int
    outcome: str
    seq: int
    id: UUID
    ts: datetime
    head: int
    rev: int
    status: str
    kind: str
    title: str
    assignee_id: UUID | None
    labels: list[str]
    people: int
    epoch: UUID
    visitor_id: UUID | None
    site_id: UUID | None
    site_name: str | None

    def error(self) -> AppError | None:
        """Why nothing was stored; None when it was, now or before."""
        match self.outcome:
            case "stored" | "again":
                return None
            case "conflict":
                return Conflict("This cid was used in this room before, for other content.", field="cid")
            case "busy":
                return Busy("The room is very busy. Send the frame again.", retry_after=0.2)
            case "room_closed":
                return RoomClosed("This room takes no more messages.")
        return NotFound("There is no such room.", field="room")


def columns(rows: Sequence[Row]) -> tuple[list[Any], ...]:
    """The rows as the arrays that `append` takes."""
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


def append_sync(rows: Sequence[Row]) -> list[Appended]:
    """Store the rows in the current transaction of the current tenant; in the order of `rows`.

    Needs a transaction, in which the caller has locked the rooms if `busy` is not welcome. Publish only after its commit.
    """
    with connection.cursor() as cursor:
        cursor.execute(CALL.format(schema=""), columns(rows))
        return [appended(found) for found in cursor.fetchall()]


def appended(found: Sequence[Any]) -> Appended:
    """One row of what `append` returns. Django's connections give `jsonb` as text, psycopg's own as values."""
    labels = msgspec.json.decode(found[LABELS], type=list[str]) if isinstance(found[LABELS], str) else found[LABELS]
    return Appended(*(*found[:LABELS], labels, *found[LABELS + 1 :]))


def message_frame(row: Row, done: Appended) -> Msg:
    """The `msg` frame of a stored row."""
    message = Message(
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
    return Msg(room=row.room_id, seq=done.seq, message=message)


def ack_frame(row: Row, done: Appended) -> Ack:
    """The `ack` frame of a stored row."""
    return Ack(cid=row.cid, room=row.room_id, seq=done.seq, id=done.id, ts=stamp(done.ts))


def summary(row: Row, done: Appended) -> Summary:
    """The room's summary after the row, as it is broadcast: without anybody's `unread`."""
    support = done.kind == "support"
    return Summary(
        id=row.room_id,
        kind=done.kind,
        title=done.title,
        people=done.people,
        head=done.head,
        epoch=done.epoch,
        rev=done.rev,
        status=done.status if support else msgspec.UNSET,
        assignee=done.assignee_id if support else msgspec.UNSET,
        labels=done.labels if support else msgspec.UNSET,
        site={"id": str(done.site_id), "name": done.site_name or ""} if done.site_id else msgspec.UNSET,
        visitor=done.visitor_id or msgspec.UNSET,
        last=LastLine(text=row.text[:200], by=row.author.name, ts=stamp(done.ts)),
    )


def for_visitor(room: Summary) -> Summary:
    """The summary without what only the team may see."""
    return msgspec.structs.replace(room, assignee=msgspec.UNSET, labels=msgspec.UNSET)
