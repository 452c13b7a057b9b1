"""From rows to the wire: the columns of a message and of a summary, once for every statement that reads them."""
# ruff: noqa: S608 - statements are put together from constants; values only ever go in as parameters

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from django.db import DEFAULT_DB_ALIAS

from chat.realtime.protocol.codes import MAX_REACTED, MAX_UNREAD
from chat.realtime.protocol.moments import stamp
from chat.realtime.protocol.outgoing import Author, LastLine, Message, Mine, Reacted, Summary
from tenants.postgresql.base import connection_of


class MessageRow(NamedTuple):
    """The columns of `MESSAGE`, which is read for `me`."""

    id: UUID
    room: UUID
    seq: int
    changed: int
    by_kind: Literal["agent", "visitor", "system"]
    by_id: UUID | None
    by_name: str
    kind: Literal["text", "system", "form"]
    text: str
    ts: datetime
    cid: UUID | None
    attachments: Any
    reply_to: UUID | None
    reactions: Any
    edited_at: datetime | None
    deleted_at: datetime | None
    mine: Any = None  # the reader's own emoji under it


class SummaryRow(NamedTuple):
    """The columns of `SUMMARY`."""

    id: UUID
    kind: str
    title: str
    head: int
    epoch: UUID
    rev: int
    status: str
    visitor: UUID | None
    last_text: str
    last_by: str
    last_at: datetime
    site_id: UUID | None
    site_name: str | None
    assignee: UUID | None
    labels: Any
    people: int
    unread: int
    pinned: Any
    locked: bool
    closed: bool
    slow: int
    my_role: str | None  # None: the reader has no place in the room
    muted_until: datetime | None
    notes: UUID | None
    notes_of: UUID | None
    notes_unread: int | None = None  # None: there are no notes, or none that concern the reader


MESSAGE: Final = """
    message.id, message.room_id, message.seq, message.changed, message.author_kind, message.author_id, message.author_name,
    message.kind, message.text, message.ts, message.cid, message.attachments, message.reply_to, message.reactions,
    message.edited_at, message.deleted_at,
    CASE WHEN message.reactions <> '{}' THEN (
        SELECT jsonb_agg(own.emoji) FROM chat_reaction own WHERE own.message_id = message.id AND own.person_id = %(me)s
    ) END
"""

# Read beside `room` and `mine`, the reader's place. Unread = others' undeleted messages born after my mark; counting stops at 99,
# where showing stops; the order keeps it in the index of `seq`, where nothing after the mark costs nothing.
UNREAD: Final = f"""(SELECT count(*) FROM (
    SELECT FROM chat_message message
    WHERE message.room_id = room.id AND message.kind <> 'system' AND message.deleted_at IS NULL
      AND message.author_id IS DISTINCT FROM %(me)s
      AND message.seq > coalesce(mine.read_seq, 0)
    ORDER BY message.seq LIMIT {MAX_UNREAD}
) unread)"""
NOTES_UNREAD: Final = f"""CASE WHEN room.kind = 'support' AND room.visitor_id IS DISTINCT FROM %(me)s THEN (
    SELECT (SELECT count(*) FROM (
        SELECT FROM chat_message note
        WHERE note.room_id = notes.id AND note.kind <> 'system' AND note.deleted_at IS NULL
          AND note.author_id IS DISTINCT FROM %(me)s
          AND note.seq > coalesce((
              SELECT own.read_seq FROM chat_participant own WHERE own.room_id = notes.id AND own.person_id = %(me)s
          ), 0)
        ORDER BY note.seq LIMIT {MAX_UNREAD}
    ) unread) FROM chat_room notes WHERE notes.notes_of_id = room.id AND notes.last_seq > 0
) END"""
MINE: Final = "LEFT JOIN chat_participant mine ON mine.room_id = room.id AND mine.person_id = %(me)s"

# And beside `site`.
SUMMARY: Final = f"""
    room.id, room.kind, room.title, room.last_seq, room.epoch, room.rev, room.status, room.visitor_id,
    room.last_text, room.last_by, room.last_at, site.id, site.name, room.assignee_id, room.labels::text, room.people, {UNREAD},
    room.pinned::text, room.locked_at IS NOT NULL, room.closed_at IS NOT NULL, room.slow_seconds, mine.role AS my_role,
    CASE WHEN mine.muted_until > now() THEN mine.muted_until END AS muted_until,
    (SELECT notes.id FROM chat_room notes WHERE notes.notes_of_id = room.id) AS notes, room.notes_of_id AS notes_of,
    {NOTES_UNREAD} AS notes_unread
"""
FROM_ROOMS: Final = f"FROM chat_room room LEFT JOIN chat_site site ON site.id = room.site_id {MINE}"

# A summary for many readers at once, of whom nothing in it is one's own; and what is, for each of `people` in their order.
SHARED: Final = SUMMARY.replace(UNREAD, "0").replace(NOTES_UNREAD, "NULL::bigint").replace("%(me)s", "NULL::uuid")
FROM_SHARED: Final = FROM_ROOMS.replace("%(me)s", "NULL::uuid")
OWN: Final = f"""(
    SELECT json_agg(ARRAY[{UNREAD}, {NOTES_UNREAD}] ORDER BY asked.place)
    FROM unnest(%(people)s::uuid[]) WITH ORDINALITY AS asked (me, place) {MINE}
)::text""".replace("%(me)s", "asked.me")


def message_of(row: MessageRow, me: UUID | None = None) -> Message:
    """The message on the wire, made for one person or for everyone. A deleted one is a tombstone: its words are gone."""
    gone = row.deleted_at is not None
    return Message(
        id=row.id,
        room=row.room,
        seq=row.seq,
        changed=row.changed,
        by=Author(kind=row.by_kind, id=row.by_id, name=row.by_name),
        kind=row.kind,
        text="" if gone else row.text,
        ts=stamp(row.ts),
        cid=_given(row.cid),
        attachments=[] if gone else json_column(row.attachments),
        reply_to=_given(row.reply_to),
        reactions={} if gone else _reactions(json_column(row.reactions), json_column(row.mine), me),
        edited_at=stamp(row.edited_at) if row.edited_at else msgspec.UNSET,
        deleted=True if gone else msgspec.UNSET,
    )


def _reactions(column: dict[str, Any], own: list[str] | None, me: UUID | None) -> dict[str, Reacted]:
    """Who reacted with what; the reader stands first where they did, even if they are none of the first 20."""
    if not column:
        return {}
    reactions = msgspec.convert(column, dict[str, Reacted])
    for emoji in own or ():
        if me is not None and emoji in reactions:
            others = [who for who in reactions[emoji].who if who != me]
            reactions[emoji] = Reacted(n=reactions[emoji].n, who=[me, *others][:MAX_REACTED])
    return reactions


@lru_cache(4096)  # most rooms of a list are as they were when somebody else asked
def shared_by_agents(row: tuple[Any, ...]) -> bytes:
    """The columns of `SHARED` as JSON for an agent, without its end: `own_of` follows."""
    summary = summary_for(SummaryRow(*row), "agent")
    return msgspec.json.encode(msgspec.structs.replace(summary, unread=msgspec.UNSET))[:-1]


@lru_cache(4096)
def own_of(unread: int, notes_unread: int | None) -> bytes:
    """What is one agent's own in a summary, and its end."""
    notes = b',"notes_unread":%d' % notes_unread if notes_unread else b""
    return b',"unread":%d%b}' % (unread, notes)


def summary_for(row: SummaryRow, kind: str | None) -> Summary:
    """The summary as an agent or a visitor (`kind`) may see it.

    None is what the hub tells: with what is the team's, which `for_visitor` takes off, and without what is one reader's own.
    """
    is_support = row.kind == "support"
    is_internal = is_support and kind != "visitor"
    return Summary(
        id=row.id,
        kind=row.kind,
        title=row.title,
        people=row.people,
        head=row.head,
        epoch=row.epoch,
        rev=row.rev,
        status=row.status if is_support else msgspec.UNSET,
        assignee=row.assignee if is_internal else msgspec.UNSET,
        labels=json_column(row.labels) if is_internal else msgspec.UNSET,
        site=_site(row.site_id, row.site_name),
        visitor=_given(row.visitor),
        last=_last(row.last_text, row.last_by, row.last_at),
        unread=msgspec.UNSET if kind is None else row.unread,
        notes=_given(row.notes) if is_internal else msgspec.UNSET,
        notes_of=_given(row.notes_of) if kind != "visitor" else msgspec.UNSET,
        notes_unread=(row.notes_unread or msgspec.UNSET) if kind == "agent" else msgspec.UNSET,
        pinned=[UUID(pin) for pin in json_column(row.pinned)] or msgspec.UNSET,
        locked=row.locked or msgspec.UNSET,
        closed=row.closed or msgspec.UNSET,
        slow=row.slow or msgspec.UNSET,
        mine=_mine(row) if kind == "visitor" and row.kind == "community" else msgspec.UNSET,
    )


def _mine(row: SummaryRow) -> Mine | msgspec.UnsetType:
    """What the reader is in the room, if they are more or less than a member who may write."""
    if row.muted_until is None and row.my_role != "moderator":
        return msgspec.UNSET
    return Mine(role=row.my_role or "member", muted_until=stamp(row.muted_until) if row.muted_until else msgspec.UNSET)


def _site(ident: UUID | None, name: str | None) -> dict[str, str] | msgspec.UnsetType:
    return {"id": str(ident), "name": name or ""} if ident else msgspec.UNSET


def _last(text: str, by: str, at: datetime) -> LastLine | msgspec.UnsetType:
    return LastLine(text=text, by=by, ts=stamp(at)) if text or by else msgspec.UNSET


def _given(value: UUID | None) -> UUID | msgspec.UnsetType:
    return msgspec.UNSET if value is None else value


def json_column(value: Any) -> Any:
    """A jsonb column: Django's cursors give its text, a plain psycopg cursor gives what it means."""
    return msgspec.json.decode(value) if isinstance(value, str) else value


def rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What the statement finds in the current tenant. Its plan is kept."""
    return connection_of(DEFAULT_DB_ALIAS).read(_for_reader(statement, values.get("reader")), values)


def rows_for_each(
    statement: str, columns: Mapping[str, str], asked: Sequence[Mapping[str, Any]], values: Mapping[str, Any]
) -> list[list[tuple[Any, ...]]]:
    """What the statement finds for each of these, in one go: `columns` names the parameters that differ, with their types.

    Rows of one asker come in no particular order.
    """
    given = {name: array(one[name] for one in asked) for name in columns}
    whole = _for_each(_for_reader(statement, values.get("reader")), tuple(columns.items()))
    found: list[list[tuple[Any, ...]]] = [[] for _ in asked]
    for place, *row in connection_of(DEFAULT_DB_ALIAS).read(whole, {**values, **given}):
        found[place - 1].append(tuple(row))
    return found


def array(values: Iterable[UUID | int | None]) -> str:
    """These as the text of an array: psycopg would look at each of them for long."""
    return f"{{{','.join(['NULL' if value is None else str(value) for value in values])}}}"


@lru_cache
def _for_each(statement: str, columns: tuple[tuple[str, str], ...]) -> str:
    for name, _type in columns:
        statement = statement.replace(f"%({name})s", f"asked.{name}")
    arrays, names = (", ".join(words) for words in ((f"%({name})s::{of}[]" for name, of in columns), (n for n, _ in columns)))
    return f"""
        SELECT asked.place, found.* FROM unnest({arrays}) WITH ORDINALITY AS asked ({names}, place)
        CROSS JOIN LATERAL ({statement}) found
    """


@lru_cache
def _for_reader(statement: str, reader: str | None) -> str:
    """The statement for one kind of reader: as a constant it lets the planner fold away what cannot hold for them."""
    return statement if reader is None else statement.replace("%(reader)s", {"agent": "'agent'", "visitor": "'visitor'"}[reader])
