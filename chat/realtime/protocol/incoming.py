"""Frames from clients: a closed union of tagged structs, decoded at the edge. Pure."""

import re
import unicodedata
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from chat.realtime.protocol.codes import MAX_EMOJI, MAX_FRAME, MAX_JOINED, MAX_TEXT, VERSION
from saas.core.errors import BadFrame, Empty, TooLarge, TooLong

Short = Annotated[str, msgspec.Meta(max_length=300)]
Url = Annotated[str, msgspec.Meta(max_length=2_000)]
Seq = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
Ref = Annotated[int, msgspec.Meta(ge=0, lt=2**53)] | Annotated[str, msgspec.Meta(max_length=64)]


class _In(msgspec.Struct, tag_field="t", forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A frame from a client: an unknown field is an error, so that a typing mistake is never silence."""


class Position(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where a client stands in a room: it has everything of `epoch` up to `after`."""

    room: UUID
    epoch: UUID
    after: Seq


class Page(msgspec.Struct, frozen=True):
    """The page that a visitor has before them. Stored, and told to other processes: one of another version reads it, too."""

    url: Url = ""
    title: Short = ""
    referrer: Url = ""


class ToldPage(Page, forbid_unknown_fields=True, frozen=True):
    """The same as a client tells it."""


class Hello(_In, tag="hello", frozen=True):
    v: int  # the newest version that the client speaks
    token: str
    rooms: Annotated[list[Position], msgspec.Meta(max_length=MAX_JOINED)] = []
    locale: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    page: ToldPage | None = None
    min: int | None = None  # the oldest version that it speaks, if that is another


class Auth(_In, tag="auth", frozen=True):
    token: str


class Open(_In, tag="open", frozen=True):
    cid: UUID
    kind: Literal["support"]
    text: str | None = None
    form: Annotated[dict[Annotated[str, msgspec.Meta(max_length=40)], Short], msgspec.Meta(max_length=10)] | None = None


class Join(_In, tag="join", frozen=True):
    ref: Ref
    room: UUID
    epoch: UUID | None = None
    after: Seq | None = None


class Leave(_In, tag="leave", frozen=True):
    ref: Ref
    room: UUID


class History(_In, tag="history", frozen=True):
    ref: Ref
    room: UUID
    before: Seq


class Send(_In, tag="send", frozen=True):
    cid: UUID
    room: UUID
    text: str | None = None
    attachments: Annotated[list[UUID], msgspec.Meta(max_length=15)] = []
    reply_to: UUID | None = None


class Edit(_In, tag="edit", frozen=True):
    cid: UUID
    room: UUID
    message: UUID
    text: str


class Delete(_In, tag="delete", frozen=True):
    cid: UUID
    room: UUID
    message: UUID


class React(_In, tag="react", frozen=True):
    cid: UUID
    room: UUID
    message: UUID
    emoji: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_EMOJI)]
    on: bool


class Read(_In, tag="read", frozen=True):
    room: UUID
    seq: Seq


class Typing(_In, tag="typing", frozen=True):
    room: UUID
    on: bool
    draft: str | None = None


class PresenceChange(_In, tag="presence", frozen=True):
    state: Literal["online", "away", "busy"]


class PageChange(_In, tag="page", frozen=True):
    url: Url
    title: Short = ""
    referrer: Url = ""


class Seen(_In, tag="seen", frozen=True):
    notification: UUID | None = None
    all: bool = False


class Ping(_In, tag="ping", frozen=True):
    n: Seq


ClientFrame: TypeAlias = (
    Hello
    | Auth
    | Open
    | Join
    | Leave
    | History
    | Send
    | Edit
    | Delete
    | React
    | Read
    | Typing
    | PresenceChange
    | PageChange
    | Seen
    | Ping
)

_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_encoder = msgspec.json.Encoder()

# Refused in every text: control characters other than line breaks and tabs, and lone surrogates (which no UTF-8 holds).
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

_JOINERS = re.compile("[\u200d\ufe0f\U000e0020-\U000e007f]")  # they hold a sequence of signs together, and are none themselves
_KEYCAP = re.compile("[0-9#*]\ufe0f?\u20e3")
_INFORMATION = "\u2139"  # a sign that counts as a letter


def decode(data: str | bytes) -> ClientFrame:
    """One client frame. Raises `TooLarge` above 64 KiB, `BadFrame` for anything that is no frame of version 1."""
    try:
        raw = data.encode() if isinstance(data, str) else data
        if len(raw) > MAX_FRAME:
            raise TooLarge(f"The frame has {len(raw)} bytes; {MAX_FRAME} is the most.")
        return _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadFrame(f"Not a frame of version {VERSION}: {error}", field=field_of(error)) from None


def field_of(error: Exception) -> str | None:
    """The field that a decoding error is about, if it names one."""
    found = re.search(r"(?:at `\$\.?([^`]+)`|field `([^`]+)`)", str(error))
    return next((name for name in found.groups() if name), None) if found else None


def clean_text(text: str | None) -> str:
    """The text as it is stored: trimmed, line breaks as LF. Raises `Empty`, `TooLong`, or `BadFrame` for control characters."""
    text = (text or "").replace("\r\n", "\n").replace("\r", "\n").strip()
    if found := _CONTROL.search(text):
        raise BadFrame(f"The text holds the control character U+{ord(found.group()):04X}, which is refused.", field="text")
    if not text:
        raise Empty("The message holds no text.", field="text")
    if len(text) > MAX_TEXT:
        raise TooLong(f"The text has {len(text)} characters; {MAX_TEXT} is the most.", field="text")
    return text


def clean_emoji(emoji: str) -> str:
    """The emoji of a reaction. Raises `BadFrame` with field `emoji` for words, spaces and bare punctuation."""
    signs = _JOINERS.sub("", emoji)
    is_emoji = _KEYCAP.fullmatch(emoji) or (signs and all(map(_is_sign, signs)))
    if not is_emoji:
        raise BadFrame("A reaction is an emoji, not text.", field="emoji")
    return emoji


def _is_sign(character: str) -> bool:
    """Symbols, and the few marks of punctuation that are drawn as emoji; nothing that a keyboard writes."""
    return not character.isascii() and (
        character == _INFORMATION or unicodedata.category(character) in ("So", "Sm", "Sk", "Po", "Pd")
    )
