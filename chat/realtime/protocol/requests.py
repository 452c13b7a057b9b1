"""The bodies of requests that carry frames over HTTP. Pure."""

from typing import Annotated, Any, TypeVar

import msgspec

from chat.realtime.protocol.codes import MAX_FRAME, MAX_JOINED, VERSION
from chat.realtime.protocol.incoming import Position, ToldPage
from saas.core.errors import BadFrame, TooLarge

MAX_FRAMES = 20  # in one request
MAX_BODY = MAX_FRAMES * MAX_FRAME  # bytes

T = TypeVar("T")


class Said(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`POST frames`: what the client says. Each frame is decoded by itself, so that a bad one refuses no other."""

    frames: list[msgspec.Raw]


class Asked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`POST events`: where the client stands."""

    rooms: Annotated[list[Position], msgspec.Meta(max_length=MAX_JOINED)] = []
    cursor: Annotated[str, msgspec.Meta(max_length=16_384)] | None = None
    page: ToldPage | None = None
    locale: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    v: int = VERSION
    min: int | None = None


def read_said(body: bytes) -> list[bytes]:
    """The frames of a `frames` request, each still to be decoded. Raises BadFrame, or TooLarge above 20."""
    frames = _read(body, Said).frames
    if len(frames) > MAX_FRAMES:
        raise TooLarge(f"The request has {len(frames)} frames; {MAX_FRAMES} is the most.")
    return [bytes(frame) for frame in frames]


def read_asked(body: bytes) -> Asked:
    """The body of an `events` request. Raises BadFrame."""
    return _read(body, Asked)


def _read(body: bytes, kind: type[T]) -> T:
    decoder: Any = _DECODERS[kind]
    try:
        found: T = decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadFrame(f"Not a request of version {VERSION}: {error}") from None
    return found


_DECODERS: dict[type, Any] = {Said: msgspec.json.Decoder(Said), Asked: msgspec.json.Decoder(Asked)}
