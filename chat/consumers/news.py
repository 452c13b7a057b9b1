"""What of a welcome is news to a client that polls. Pure.

A client brings a cursor: digests of what it was told last, of its lists and of who is here (`LISTS`), and of the state of each
room. So the server need not remember it. Messages need no digest: the client says itself how far it has come in each room.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import msgspec

from chat.consumers.collector import tag_of
from chat.realtime.protocol.codes import MAX_NAMED

DIGEST_BYTES: Final = 6
LISTS: Final = "lists"
LIST_TAGS: Final = frozenset({b"welcome", b"presence"})  # told together: who is not named any more has gone

Digests = dict[str, str]


@dataclass(frozen=True, slots=True)
class News:
    """The frames that the client does not know, and the cursor of a client that knows them."""

    frames: list[bytes]
    cursor: str


def news_of(frames: Sequence[bytes], cursor: str | None) -> News:
    """What of the frames after a hello the holder of this cursor has not been told. Without a cursor, or with a bad one: all."""
    known = _read(cursor)
    seen = {LISTS: _digest([_state(text) for text in frames if tag_of(text) in LIST_TAGS])}
    fresh = [text for text in frames if _is_news(text, known, seen)]
    return News(fresh, _write(seen))


def _is_news(text: bytes, known: Digests, seen: Digests) -> bool:
    """Whether to tell it; a room's state is noted in `seen`. Events (a message, somebody who types) are always news."""
    tag = tag_of(text)
    if tag in LIST_TAGS:
        return known.get(LISTS) != seen[LISTS]
    if tag != b"joined":
        return True
    said = msgspec.json.decode(text)
    room: str = said["room"]
    seen[room] = _digest(_state(text))
    return known.get(room) != seen[room] or not said["resumed"] or said["more"] or bool(said["messages"])


def _state(text: bytes) -> dict[str, Any]:
    """The frame without what depends on the reader's place or on chance."""
    said: dict[str, Any] = msgspec.json.decode(text)
    for part, key in (("visitors", "id"), ("people", "id"), ("marks", "who")):
        if part in said:
            said[part] = sorted(said[part], key=lambda one: str(one[key]))
    if len(said.get("people", ())) >= MAX_NAMED:  # of a crowd only a sample is told
        del said["people"]
    return {part: value for part, value in said.items() if part not in {"messages", "more", "resumed", "ref"}}


def _digest(state: Any) -> str:
    return urlsafe_b64encode(blake2b(msgspec.json.encode(state), digest_size=DIGEST_BYTES).digest()).decode()


def _write(digests: Digests) -> str:
    return urlsafe_b64encode(msgspec.json.encode(digests)).decode().rstrip("=")


def _read(cursor: str | None) -> Digests:
    try:
        return msgspec.json.decode(urlsafe_b64decode(f"{cursor or ''}==="), type=Digests)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        return {}
