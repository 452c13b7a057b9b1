"""What of a welcome is news to a client that polls. Pure.

A client brings a cursor: digests of what it was told last, of its lists and of who is here (`LISTS`), and of the state of each
room. So the server need not remember it. Messages need no digest: the client says itself how far it has come in each room.

What an event changes may change back before the next poll, and would be no news then: somebody went and has come again. So the
cursor leaves out what an event that was told with it may have changed, and the next answer says that anew, once. Of what only
moves forward (messages, marks, summaries) nothing is left out.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import msgspec

from chat.consumers.collector import tag_of
from chat.realtime.here import MOST_LISTED

DIGEST_BYTES: Final = 6
LISTS: Final = "lists"
LIST_TAGS: Final = frozenset({b"welcome", b"presence"})  # told together: who is not named any more has gone
LIST_EVENTS: Final = frozenset({b"presence", b"notice", b"seen"})  # which change the lists, and may change them back
ROOM_EVENT: Final = b"people"  # the same of a room

Digests = dict[str, str]


@dataclass(frozen=True, slots=True)
class News:
    """The frames that the client does not know, and what it knows once it was told them."""

    frames: list[bytes]
    known: Digests

    def cursor(self, later: Iterable[bytes] = ()) -> str:
        """Of a client that was told these, and events that came later."""
        unsure = _may_change_back(later)
        return _write({what: digest for what, digest in self.known.items() if what not in unsure})


def news_of(frames: Sequence[bytes], cursor: str | None, *, crowds: Set[str] = frozenset()) -> News:
    """What of the frames after a hello the holder of this cursor has not been told. Without a cursor, or with a bad one: all.

    `crowds`: rooms of which only a sample of their people is told, another one by each process. It is no news.
    """
    known = _read(cursor)
    lists = [_state(text) for text in frames if tag_of(text) in LIST_TAGS]
    seen = {LISTS: _digest(sorted(lists, key=msgspec.json.encode))}  # each process names the team in another order
    fresh = [text for text in frames if _is_news(text, known, seen, crowds)]
    for what in _may_change_back(text for text in fresh if tag_of(text) not in LIST_TAGS):  # these are in its digest
        seen.pop(what, None)
    return News(fresh, seen)


def _may_change_back(events: Iterable[bytes]) -> set[str]:
    """What of a cursor these have overtaken."""
    found: set[str] = set()
    for text in events:
        tag = tag_of(text)
        if tag in LIST_EVENTS:
            found.add(LISTS)
        elif tag == ROOM_EVENT and "on" in (said := msgspec.json.decode(text)):  # of a crowd the count is told anew, not more
            found.add(str(said["room"]))
    return found


def _is_news(text: bytes, known: Digests, seen: Digests, crowds: Set[str]) -> bool:
    """Whether to tell it; a room's state is noted in `seen`. Events (a message, somebody who types) are always news."""
    tag = tag_of(text)
    if tag in LIST_TAGS:
        return known.get(LISTS) != seen[LISTS]
    if tag != b"joined":
        return True
    said = msgspec.json.decode(text)
    room: str = said["room"]
    seen[room] = _digest(_state(text, crowds))
    return known.get(room) != seen[room] or not said["resumed"] or said["more"] or bool(said["messages"])


def _state(text: bytes, crowds: Set[str] = frozenset()) -> dict[str, Any]:
    """The frame without what depends on the reader's place or on chance."""
    said: dict[str, Any] = msgspec.json.decode(text)
    for part, key in (("visitors", "id"), ("people", "id"), ("marks", "who")):
        if part in said:
            said[part] = sorted(said[part], key=lambda one: str(one[key]))
    if len(said.get("visitors", ())) >= MOST_LISTED:
        said.pop("visitors")  # a sample, another one on each process
    if said.get("room") in crowds:
        said.pop("people", None)
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
