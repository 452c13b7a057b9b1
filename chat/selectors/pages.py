"""How much of a room fits into one answer: at most 20 messages and 48 KiB. Pure."""

import base64
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from chat.realtime.protocol.codes import PAGE_BYTES, PAGE_MESSAGES
from chat.realtime.protocol.outgoing import Message
from saas.core.errors import BadFrame

FRAME_AROUND: Final = 1024  # bytes kept for what stands around the messages

_encoder = msgspec.json.Encoder()


def first_page(messages: Iterable[Message]) -> tuple[list[Message], bool]:
    """As many from the start as one page holds, at least one, and whether any were left over."""
    page: list[Message] = []
    room = PAGE_BYTES - FRAME_AROUND
    for message in messages:
        room -= len(_encoder.encode(message)) + 1
        if page and (room < 0 or len(page) == PAGE_MESSAGES):
            return page, True
        page.append(message)
    return page, False


def cursor_of(last_at: datetime, room_id: UUID) -> str:
    """Where a list of rooms, newest first, goes on: after this one. Opaque to clients."""
    return base64.urlsafe_b64encode(f"{last_at.isoformat()},{room_id}".encode()).decode().rstrip("=")


def cursor_of_place(position: int, room_id: UUID) -> str:
    """The same for rooms in the order that the team gave them."""
    return base64.urlsafe_b64encode(f"{position},{room_id}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    """The place that `cursor_of` named. Raises BadFrame with field `cursor`."""
    try:
        moment, room_id = _parts(cursor)
        last_at = datetime.fromisoformat(moment)
        if last_at.tzinfo is None:
            raise ValueError(moment)
        return last_at, UUID(room_id)
    except ValueError:
        raise _not_ours() from None


def read_place(cursor: str) -> tuple[int, UUID]:
    """The place that `cursor_of_place` named. Raises BadFrame with field `cursor`."""
    try:
        position, room_id = _parts(cursor)
        if not -(2**31) <= int(position) < 2**31:
            raise ValueError(position)
        return int(position), UUID(room_id)
    except ValueError:
        raise _not_ours() from None


def _parts(cursor: str) -> tuple[str, str]:
    """Raises ValueError, of which what base64 raises is one kind."""
    text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    place, _, room_id = text.partition(",")
    return place, room_id


def _not_ours() -> BadFrame:
    return BadFrame("This is not a cursor that we gave.", field="cursor")
