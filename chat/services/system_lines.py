"""What a room says of itself: a line by nobody, which takes a seq like any message."""

from uuid import UUID, uuid4

from chat.realtime.append import APPEND, Row, call_sync
from chat.realtime.hub import Published
from chat.realtime.protocol.outgoing import Author


def say(room_id: UUID, text: str) -> Published:
    """Store a system line, in the transaction that holds the room's lock. Publish it after the commit."""
    row = Row(room_id=room_id, author=Author(kind="system", id=None, name=""), cid=uuid4(), text=text, kind="system")
    done = call_sync(APPEND, [row])[0]
    if error := done.error():
        raise error
    return Published(row, done)
