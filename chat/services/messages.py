"""Sending, and opening a support room with its first message."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

from django.db import transaction

from chat.models import Participant, Room
from chat.notifications import Sent, cut, draft, store_for, unseen_under
from chat.realtime.append import Appended, Row, append_sync
from chat.realtime.protocol.incoming import Open, Send, clean_text
from chat.realtime.protocol.outgoing import Author, Summary
from chat.selectors.rooms import summary_of
from saas.core.errors import AttachmentRefused, Conflict, Forbidden, ReadOnly
from tenants.tokens import Principal


@dataclass(frozen=True, slots=True)
class Opened:
    """A support room of a visitor: new, or the one that the same `open` made before."""

    room_id: UUID
    opened_at: datetime
    stored: list[tuple[Row, Appended]]  # the form, if one was filled in, and the first message; the last has the frame's cid
    untold: Summary | None  # the room's news, where no new message carries them
    notified: Sent | None  # what the agents are to be told, perhaps not for the first time


def author_of(principal: Principal) -> Author:
    """How a person signs their messages."""
    return Author(kind=principal.kind, id=principal.id, name=principal.name)


def message_row(principal: Principal, frame: Send, *, may_write: bool) -> Row:
    """The row of a `send`. Raises what is wrong with it; the caller has checked that the room may be seen."""
    if not may_write:
        raise ReadOnly("Your role lets you read but not write.")
    if frame.attachments:
        raise AttachmentRefused(f"There is no attachment {frame.attachments[0]}.", field="attachments")
    return Row(frame.room, author_of(principal), frame.cid, clean_text(frame.text), reply_to=frame.reply_to)


def open_room(principal: Principal, frame: Open, *, agents: list[UUID]) -> Opened:
    """Make a support room of the visitor with its first message, and tell the agents. Inside the tenant.

    The same `cid` gives the same room and changes nothing; with other content it raises `Conflict`. What was stored for the
    agents the first time, and is unseen, is theirs to hear of once more: that time may have ended before anybody was told.
    """
    if principal.kind != "visitor":
        raise Forbidden("Only a visitor opens a support room.")
    texts = _texts(frame)
    with transaction.atomic():
        room, is_new = _room_of(principal, frame)
        rows = [Row(room.id, author_of(principal), cid, text, kind=kind) for kind, cid, text in texts]
        stored = list(zip(rows, append_sync(rows) if rows else [], strict=True))
        for error in filter(None, (done.error() for _, done in stored)):
            raise error
        notified = _notify(agents, principal, room, rows[-1].text if rows else "") if is_new else unseen_under(_key(room))
        is_told = bool(stored) and stored[-1][1].outcome == "stored"
        untold = None if is_told else summary_of(room.id, None)
        return Opened(room.id, room.created_at, stored, untold, notified)


def _texts(frame: Open) -> list[tuple[Literal["form", "text"], UUID, str]]:
    """What an `open` says: kind, cid and text. A form is a message of its own before the first words."""
    said: list[tuple[Literal["form", "text"], UUID, str]] = []
    if frame.form:
        cid = frame.cid if frame.text is None else uuid5(frame.cid, "form")
        said.append(("form", cid, clean_text("\n".join(f"{name}: {value}" for name, value in frame.form.items()))))
    if frame.text is not None:
        said.append(("text", frame.cid, clean_text(frame.text)))
    return said


def _room_of(principal: Principal, frame: Open) -> tuple[Room, bool]:
    content = hashlib.sha256(f"{frame.text}\0{sorted((frame.form or {}).items())}".encode()).digest()
    room = Room(
        kind=Room.Kind.SUPPORT,
        site_id=principal.site_id,
        visitor_id=principal.id,
        open_cid=frame.cid,
        open_hash=content,
        title=principal.name,
        people=1,
    )
    Room.objects.bulk_create([room], ignore_conflicts=True)
    found = Room.objects.select_for_update().get(visitor_id=principal.id, open_cid=frame.cid)
    if found.open_hash is not None and bytes(found.open_hash) != content:
        raise Conflict("This cid opened a room before, with other content.", field="cid")
    is_new = found.id == room.id
    if is_new:
        Participant.objects.create(room=found, kind="visitor", person_id=principal.id, name=principal.name)
        Room.objects.create(kind=Room.Kind.TEAM, title=room.title, notes_of=found)
    return found, is_new


def _notify(agents: list[UUID], principal: Principal, room: Room, text: str) -> Sent | None:
    url = f"/inbox/{room.id}/"
    written = draft(
        category="rooms",
        kind="room_opened",
        title=cut(f"{principal.name} is waiting", "title"),
        body=cut(text, "body"),
        url=url,
        room=room.id,
        actions=[{"label": "Open", "url": url}],
        key=_key(room),
    )
    return store_for(agents, written, strict=False)  # one of them may have left a moment ago


def _key(room: Room) -> str:
    """Under which agents are told that the room is there."""
    return f"room_opened:{room.id}"
