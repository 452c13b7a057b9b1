"""What each frame of a server must hold. Fields beyond these are allowed: a client passes over what it does not know."""

import re
from collections.abc import Callable
from typing import Any

Check = Callable[[Any], bool]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def text(value: Any) -> bool:
    return isinstance(value, str)


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def ident(value: Any) -> bool:
    return isinstance(value, str) and UUID.fullmatch(value) is not None


def moment(value: Any) -> bool:
    return isinstance(value, str) and TIME.fullmatch(value) is not None


def ref(value: Any) -> bool:
    return isinstance(value, str) or integer(value)


def of(*values: Any) -> Check:
    return lambda value: value in values


def maybe(check: Check) -> Check:
    """The field may be missing or null."""

    def fits(value: Any) -> bool:
        return value is None or check(value)

    fits.optional = True  # type: ignore[attr-defined]
    return fits


def many(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def either(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


def each(check: Check) -> Check:
    """An object whose values all fit."""
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


def shape(**fields: Check) -> Check:
    """An object with these fields."""

    def fits(value: Any) -> bool:
        return isinstance(value, dict) and not wrong(value, fields)

    return fits


def wrong(value: dict[str, Any], fields: dict[str, Check]) -> list[str]:
    """The fields that are missing or do not fit."""
    return [
        name for name, check in fields.items() if not (check(value[name]) if name in value else getattr(check, "optional", False))
    ]


AUTHOR = shape(kind=of("agent", "visitor", "system"), id=maybe(ident), name=text)
PERSON = shape(kind=of("agent", "visitor"), id=ident, name=text)
PAGE = shape(url=text, title=text, referrer=text)
REACTION = shape(n=integer, who=many(ident))
MESSAGE = shape(
    id=ident,
    room=ident,
    seq=integer,
    changed=integer,
    by=AUTHOR,
    kind=of("text", "system", "form"),
    text=text,
    ts=moment,
    cid=maybe(ident),
    attachments=many(lambda _any: True),
    reply_to=maybe(ident),
    reactions=each(REACTION),
    edited_at=maybe(moment),
    deleted=maybe(flag),
)
SUMMARY = shape(
    id=ident,
    kind=of("support", "community", "team"),
    title=text,
    people=integer,
    head=integer,
    epoch=ident,
    rev=integer,
    status=maybe(of("open", "resolved")),
    assignee=maybe(ident),
    labels=maybe(many(text)),
    last=maybe(shape(text=text, by=text, ts=moment)),
    unread=maybe(integer),
    notes=maybe(ident),
    notes_unread=maybe(integer),
    notes_of=maybe(ident),
    site=maybe(shape(id=ident, name=text)),
    visitor=maybe(ident),
    pinned=maybe(many(ident)),
    locked=maybe(flag),
    closed=maybe(flag),
    slow=maybe(integer),
    mine=maybe(shape(role=of("member", "moderator"), muted_until=maybe(moment))),
)
NOTICE = shape(id=ident, kind=text, title=text, body=text, url=text, ts=moment, actions=many(shape(label=text, url=text)))
POSITION = {"room": ident, "seq": integer}

SERVER: dict[str, dict[str, Check]] = {
    "welcome": {
        "v": of(1),
        "me": PERSON,
        "rooms": many(SUMMARY),
        "cursor": maybe(text),
        "unread": integer,
        "notices": many(NOTICE),
        "ping": number,
        "limits": each(lambda _any: True),
    },
    "joined": {
        "ref": maybe(ref),
        "room": ident,
        "summary": SUMMARY,
        "epoch": ident,
        "head": integer,
        "resumed": flag,
        "messages": many(MESSAGE),
        "more": flag,
        "people": many(PERSON),
        "marks": many(shape(who=ident, seq=integer)),
    },
    "page": {"ref": ref, "room": ident, "messages": many(MESSAGE), "more": flag},
    "left": {"ref": maybe(ref), "room": ident, "code": maybe(text)},
    "msg": {**POSITION, "message": MESSAGE},
    "upd": {**POSITION, "message": MESSAGE},
    "room": {"room": ident, "summary": SUMMARY},
    "ack": {"cid": ident, "room": ident, "seq": integer, "id": ident, "ts": moment},
    "err": {
        "code": text,
        "message": text,
        "cid": maybe(ident),
        "ref": maybe(ref),
        "retry_after": maybe(number),
        "field": maybe(text),
    },
    "typing": {"room": ident, "who": PERSON, "on": flag, "draft": maybe(text)},
    "people": {"room": ident, "who": either(PERSON, many(PERSON)), "on": maybe(flag), "count": maybe(integer)},
    "marks": {"room": ident, "who": ident, "seq": integer},
    "presence": {
        "who": maybe(PERSON),
        "state": maybe(of("online", "away", "busy", "offline")),
        "agents": maybe(integer),
        "visitors": maybe(many(shape(id=ident, name=text, page=PAGE, on=flag))),
    },
    "notice": {"id": ident, "kind": text, "title": text, "body": text, "url": text, "ts": moment},
    "seen": {"notification": maybe(ident), "all": maybe(flag), "unread": integer},
    "resync": {},
    "authed": {"expires_in": number},
    "pong": {"n": integer},
    "ping": {"n": integer, "heads": each(integer)},
    "bye": {"code": integer, "after": number},
}


def faults(frame: Any) -> list[str]:
    """What is wrong with a frame of a server; empty when nothing is, or when its name is not known."""
    if not isinstance(frame, dict) or not isinstance(frame.get("t"), str):
        return ["not an object with a name in `t`"]
    return [f"{frame['t']}.{name}" for name in wrong(frame, SERVER.get(frame["t"], {}))]
