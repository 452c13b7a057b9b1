"""Frames to clients, and what they are made of. Pure."""

import math
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from chat.realtime.protocol.codes import PING_SECONDS, VERSION
from chat.realtime.protocol.incoming import Page, Ref
from saas.core.errors import AppError

_encoder = msgspec.json.Encoder()


class Author(msgspec.Struct, frozen=True, omit_defaults=True):
    kind: Literal["agent", "visitor", "system"]
    id: UUID | None
    name: str
    avatar: str | None = None


class Reacted(msgspec.Struct, frozen=True):
    """Who put one emoji under a message: how many, and the first 20. Made for one person, their own id stands first."""

    n: int
    who: Sequence[UUID]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message as everyone in the room may see it."""

    id: UUID
    room: UUID
    seq: int
    changed: int
    by: Author
    kind: Literal["text", "system", "form"]
    text: str
    ts: str
    cid: UUID | msgspec.UnsetType = msgspec.UNSET
    attachments: Sequence[Any] = ()
    reply_to: UUID | msgspec.UnsetType = msgspec.UNSET
    reactions: dict[str, Reacted] = {}  # by emoji
    edited_at: str | msgspec.UnsetType = msgspec.UNSET
    deleted: bool | msgspec.UnsetType = msgspec.UNSET


class LastLine(msgspec.Struct, frozen=True):
    text: str
    by: str
    ts: str


class Mine(msgspec.Struct, frozen=True):
    """What the reader is in a community room, where that is more or less than a member who may write."""

    role: str  # member, moderator
    muted_until: str | msgspec.UnsetType = msgspec.UNSET


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A room in a list. `unread`, `notes_unread` and `mine` are the reader's own, so a broadcast carries none of them.

    `notes` is the room of the team's notes about this one, and `notes_of` leads back from there: neither is a visitor's matter.
    """

    id: UUID
    kind: str
    title: str
    people: int
    head: int
    epoch: UUID
    rev: int
    status: str | msgspec.UnsetType = msgspec.UNSET
    assignee: UUID | msgspec.UnsetType | None = msgspec.UNSET
    labels: Sequence[str] | msgspec.UnsetType = msgspec.UNSET
    site: dict[str, str] | msgspec.UnsetType = msgspec.UNSET  # {"id", "name"}
    visitor: UUID | msgspec.UnsetType = msgspec.UNSET
    last: LastLine | msgspec.UnsetType = msgspec.UNSET
    unread: int | msgspec.UnsetType = msgspec.UNSET
    notes: UUID | msgspec.UnsetType = msgspec.UNSET
    notes_of: UUID | msgspec.UnsetType = msgspec.UNSET
    notes_unread: int | msgspec.UnsetType = msgspec.UNSET  # absent when 0
    pinned: Sequence[UUID] | msgspec.UnsetType = msgspec.UNSET  # messages, newest pin first; absent when none are
    locked: bool | msgspec.UnsetType = msgspec.UNSET  # true, or absent
    closed: bool | msgspec.UnsetType = msgspec.UNSET  # true, or absent
    slow: int | msgspec.UnsetType = msgspec.UNSET  # seconds between two messages of one member; absent when 0
    mine: Mine | msgspec.UnsetType = msgspec.UNSET


class Person(msgspec.Struct, frozen=True, omit_defaults=True):
    kind: Literal["agent", "visitor"]
    id: UUID
    name: str
    role: str | None = None


class Mark(msgspec.Struct, frozen=True):
    who: UUID
    seq: int


class Notice(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="notice"):
    id: UUID
    kind: str
    title: str
    body: str
    url: str
    ts: str
    room: UUID | None = None
    actions: Sequence[dict[str, str]] = ()


class _Out(msgspec.Struct, tag_field="t", frozen=True, kw_only=True):
    """A frame to a client."""


class Welcome(_Out, tag="welcome", frozen=True):
    me: Person
    rooms: Sequence[Summary]
    unread: int
    notices: Sequence[Notice]
    limits: dict[str, int]
    v: int = VERSION
    ping: int = PING_SECONDS
    cursor: str | msgspec.UnsetType = msgspec.UNSET


class Joined(_Out, tag="joined", frozen=True):
    room: UUID
    summary: Summary
    epoch: UUID
    head: int
    resumed: bool
    messages: Sequence[Message]
    more: bool
    people: Sequence[Person]
    marks: Sequence[Mark]
    ref: Ref | msgspec.UnsetType = msgspec.UNSET


class PageOut(_Out, tag="page", frozen=True):
    ref: Ref
    room: UUID
    messages: Sequence[Message]
    more: bool


class Left(_Out, tag="left", frozen=True):
    room: UUID
    ref: Ref | msgspec.UnsetType = msgspec.UNSET
    code: str | msgspec.UnsetType = msgspec.UNSET


class Msg(_Out, tag="msg", frozen=True):
    room: UUID
    seq: int
    message: Message


class Upd(_Out, tag="upd", frozen=True):
    room: UUID
    seq: int
    message: Message


class RoomOut(_Out, tag="room", frozen=True):
    room: UUID
    summary: Summary


class Ack(_Out, tag="ack", frozen=True):
    cid: UUID
    room: UUID
    seq: int
    id: UUID
    ts: str


class Err(_Out, tag="err", frozen=True):
    code: str
    message: str
    cid: UUID | msgspec.UnsetType = msgspec.UNSET
    ref: Ref | msgspec.UnsetType = msgspec.UNSET
    retry_after: float | msgspec.UnsetType = msgspec.UNSET
    field: str | msgspec.UnsetType = msgspec.UNSET


class TypingOut(_Out, tag="typing", frozen=True):
    room: UUID
    who: Person
    on: bool
    draft: str | msgspec.UnsetType = msgspec.UNSET


class People(_Out, tag="people", frozen=True):
    room: UUID
    who: Person | Sequence[Person]
    on: bool | msgspec.UnsetType = msgspec.UNSET
    count: int | msgspec.UnsetType = msgspec.UNSET


class Marks(_Out, tag="marks", frozen=True):
    room: UUID
    who: UUID
    seq: int


class LiveVisitor(msgspec.Struct, frozen=True):
    """A visitor on the site now, as agents see them."""

    id: UUID
    name: str
    page: Page
    on: bool = True


class Presence(_Out, tag="presence", frozen=True):
    who: Person | msgspec.UnsetType = msgspec.UNSET
    state: str | msgspec.UnsetType = msgspec.UNSET
    agents: int | msgspec.UnsetType = msgspec.UNSET
    visitors: Sequence[LiveVisitor] | msgspec.UnsetType = msgspec.UNSET


class SeenOut(_Out, tag="seen", frozen=True):
    """I have seen this notification, or all of them, on another of my sockets. Neither is named: so many are unseen."""

    unread: int
    notification: UUID | msgspec.UnsetType = msgspec.UNSET
    all: bool | msgspec.UnsetType = msgspec.UNSET


class Resync(_Out, tag="resync", frozen=True):
    pass


class Authed(_Out, tag="authed", frozen=True):
    expires_in: int


class Pong(_Out, tag="pong", frozen=True):
    n: int


class PingOut(_Out, tag="ping", frozen=True):
    n: int
    heads: dict[str, int]


class Bye(_Out, tag="bye", frozen=True):
    code: int
    after: int


ServerFrame: TypeAlias = (
    Welcome
    | Joined
    | PageOut
    | Left
    | Msg
    | Upd
    | RoomOut
    | Ack
    | Err
    | TypingOut
    | People
    | Marks
    | Presence
    | Notice
    | SeenOut
    | Resync
    | Authed
    | Pong
    | PingOut
    | Bye
)


def encode(frame: ServerFrame) -> bytes:
    """The frame as UTF-8 JSON text."""
    return _encoder.encode(frame)


def refusal(error: AppError, *, cid: UUID | None = None, ref: Ref | None = None) -> Err:
    """The `err` frame of a refusal."""
    return Err(
        code=error.code,
        message=error.message,
        cid=msgspec.UNSET if cid is None else cid,
        ref=msgspec.UNSET if ref is None else ref,
        retry_after=msgspec.UNSET if error.retry_after is None else math.ceil(error.retry_after * 1000) / 1000,
        field=msgspec.UNSET if error.field is None else error.field,
    )
