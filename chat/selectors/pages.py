"""How much of a room fits into one answer: at most 20 messages and 48 KiB. Pure."""

import base64
import binascii
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


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    """The place that `cursor_of` named. Raises BadFrame with field `cursor`."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        moment, _, room_id = text.partition(",")
        last_at = datetime.fromisoformat(moment)
        if last_at.tzinfo is None:
            raise ValueError(moment)
        return last_at, UUID(room_id)
    except (ValueError, binascii.Error):
        raise BadFrame("This is not a cursor that we gave.", field="cursor") from None
