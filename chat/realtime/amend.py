"""The changes that go into a schema's `amend` function and what comes back: edits, deletions and reactions."""
# ruff: noqa: S608 - the statement is put together from constants

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from chat.realtime.append import ROOM_COLUMNS, Call, call_sync, refusal_for, summary_of_room
from chat.realtime.protocol.moments import stamp
from chat.realtime.protocol.outgoing import Ack, Author, Summary, Upd
from chat.selectors.rows import MessageRow, message_of
from saas.core.errors import AppError

MESSAGE: Final = 5  # where the columns of the message begin, in the order of `MessageRow`
ROOM: Final = MESSAGE + MessageRow._fields.index("mine")  # and those of the room: what everyone hears is made for nobody


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a message. The same `cid` of the same author in the same room is made once, for ever."""

    kind: Literal["edit", "delete", "react"]
    room_id: UUID
    author: Author
    cid: UUID
    message_id: UUID
    text: str | None = None  # of an edit
    emoji: str | None = None  # of a reaction,
    on: bool | None = None  # and whether it comes or goes
    moderates: bool = False  # whether others' messages may be deleted; a room's own moderators may in any case

    def content_hash(self) -> bytes:
        """What must be equal for a repeat of the `cid` to be a repeat of the change."""
        return hashlib.sha256(f"{self.kind}\0{self.message_id}\0{self.text}\0{self.emoji}\0{self.on}".encode()).digest()


@dataclass(frozen=True, slots=True)
class Amended:
    """What became of one change."""

    ord: int
    outcome: str
    wait: float | None  # seconds until its author may write here
    seq: int
    ts: datetime
    message: MessageRow | None  # after the change
    room: tuple[Any, ...] | None  # `ROOM_COLUMNS`, where the change is news to those who only see the list

    def error(self) -> AppError | None:
        """Why nothing was changed; None when it was, now or before, or when there was nothing to change."""
        return refusal_for(self.outcome, self.wait)

    def frame(self, change: Change) -> Upd:
        """The `upd` that everyone in the room gets. Only for what was stored."""
        assert self.message is not None
        return Upd(room=change.room_id, seq=self.seq, message=message_of(self.message))

    def ack(self, change: Change) -> Ack:
        """The answer to the sender."""
        return Ack(cid=change.cid, room=change.room_id, seq=self.seq, id=change.message_id, ts=stamp(self.ts))

    def summary(self) -> Summary | None:
        """The room's news, if there are any."""
        return summary_of_room(self.room)


def _columns(changes: Sequence[Change]) -> tuple[list[Any], ...]:
    return (
        [change.kind for change in changes],
        [change.room_id for change in changes],
        [change.author.kind for change in changes],
        [change.author.id for change in changes],
        [change.cid for change in changes],
        [change.content_hash() for change in changes],
        [change.message_id for change in changes],
        [change.text for change in changes],
        [change.emoji for change in changes],
        [change.on for change in changes],
        [change.moderates for change in changes],
    )


def _read(_changes: Sequence[Change], found: Sequence[Sequence[Any]]) -> list[Amended]:
    return [_read_one(one) for one in found]


def _read_one(found: Sequence[Any]) -> Amended:
    message = None if found[MESSAGE] is None else MessageRow(*found[MESSAGE:ROOM])
    room = None if found[ROOM] is None else tuple(found[ROOM:])
    ord_, outcome, wait, seq, ts = found[:MESSAGE]
    return Amended(ord_, outcome, wait, seq, ts, message, room)


AMEND: Final = Call(
    "SELECT ord, outcome, wait, seq, ts, message_id, message_room, birth, changed, author_kind, author_id, author_name,"
    " message_kind, text, born_at, cid, attachments, reply_to, reactions, edited_at, deleted_at,"
    f" {ROOM_COLUMNS} "
    "FROM {schema}amend(%s::text[], %s::uuid[], %s::text[], %s::uuid[], %s::uuid[], %s::bytea[], %s::uuid[],"
    " %s::text[], %s::text[], %s::boolean[], %s::boolean[])",
    _columns,
    _read,
)


def amend_sync(changes: Sequence[Change]) -> list[Amended]:
    """Make the changes in the current transaction of the current tenant, one after another.

    Needs a transaction, in which the caller has locked the rooms if `busy` is not welcome. Publish only after its commit.
    """
    return call_sync(AMEND, changes)
