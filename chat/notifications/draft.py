"""What a notification says, checked before anything is stored. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from chat.notifications.categories import CATEGORIES
from saas.core.errors import BadFrame, Empty, TooLong

LONGEST: Final = {"title": 120, "body": 300, "url": 300, "label": 40, "key": 100}  # characters
MOST_ACTIONS: Final = 3
KIND: Final = re.compile(r"[a-z][a-z_]{0,19}")
UNSTORABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Draft:
    """A notification without its recipients."""

    category: str
    kind: str
    title: str
    body: str
    url: str
    room: UUID | None
    actions: list[dict[str, str]]
    key: str | None


def draft(
    *,
    category: str,
    kind: str,
    title: str,
    url: str,
    body: str = "",
    room: UUID | None = None,
    actions: Sequence[Mapping[str, str]] = (),
    key: str | None = None,
) -> Draft:
    """The notification, checked. Raises BadFrame, Empty or TooLong, which name the field and the value."""
    if category not in CATEGORIES:
        raise BadFrame(f"There is no category {category!r}; there are {', '.join(CATEGORIES)}.", field="category")
    if not KIND.fullmatch(kind):
        raise BadFrame(f"A kind is 1 to 20 small letters and underscores, not {kind!r}.", field="kind")
    if len(actions) > MOST_ACTIONS:
        raise BadFrame(f"A notification has at most {MOST_ACTIONS} actions, not {len(actions)}.", field="actions")
    return Draft(
        category=category,
        kind=kind,
        title=_text(title, "title"),
        body=_text(body, "body", may_be_empty=True),
        url=_address(url, "url"),
        room=room,
        actions=[_action(action) for action in actions],
        key=None if key is None else _text(key, "key"),
    )


def cut(text: str, field: str) -> str:
    """Somebody else's words, cut to what fits into the field."""
    text, longest = text.strip(), LONGEST[field]
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _action(action: Mapping[str, str]) -> dict[str, str]:
    if action.keys() != {"label", "url"}:
        raise BadFrame(f"An action is a label and a url, not {dict(action)!r}.", field="actions")
    return {"label": _text(action["label"], "label"), "url": _address(action["url"], "actions.url")}


def _text(text: str, field: str, *, may_be_empty: bool = False) -> str:
    text = text.strip()
    if not text and not may_be_empty:
        raise Empty(f"The {field} is empty.", field=field)
    if len(text) > LONGEST[field]:
        raise TooLong(f"The {field} has {len(text)} characters; {LONGEST[field]} is the most: {text[:40]!r}...", field=field)
    if found := UNSTORABLE.search(text):
        raise BadFrame(f"The {field} holds the character U+{ord(found.group()):04X}, which is refused.", field=field)
    return text


def _address(url: str, field: str) -> str:
    """A path of ours or a web address: nothing that a click would run."""
    if len(url) > LONGEST["url"]:
        raise TooLong(f"The address has {len(url)} characters; {LONGEST['url']} is the most.", field=field)
    if not _is_address(url):
        raise BadFrame(f"{url!r} is neither a path nor an http or https address.", field=field)
    return url


def _is_address(url: str) -> bool:
    if re.search(r"[\s\\\x00-\x1f\x7f]", url):  # browsers read a backslash as a slash, and pass over tabs and line breaks
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme or parts.netloc:
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    return url.startswith("/") and not url.startswith("//")
