"""What comes in and goes out over HTTP: ids from addresses, typed bodies, answers as the wire writes them."""

from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from chat.access import room_for
from chat.realtime.protocol.incoming import field_of
from saas.core.errors import BadFrame, NotFound
from tenants.authentication import principal_of, tenant_of
from tenants.context import in_tenant

T = TypeVar("T", bound="Body")


class Body(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The JSON object of a request: an unknown field is an error, so that a typing mistake is never silence."""


def read(request: Request, shape: type[T]) -> T:
    """The body as this struct. Raises BadFrame with the field that is wrong."""
    return shaped(request.data, shape)


def shaped(said: Any, shape: type[T]) -> T:
    """Decoded JSON as this struct. Raises BadFrame with the field that is wrong."""
    try:
        return msgspec.convert(said, shape)
    except msgspec.ValidationError as error:
        raise BadFrame(f"The body is not of the promised shape: {error}", field=field_of(error)) from None


def ident(text: str, words: str = "room") -> UUID:
    """An id from an address. Raises NotFound: what is no id is no object either."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"There is no such {words}.") from None


def room_of(request: Request, room_id: str) -> UUID:
    """The id of a room that the asker sees, before their body is looked at: what is wrong with it is nobody else's business."""
    with in_tenant(tenant_of(request)):
        return room_for(principal_of(request), ident(room_id)).room_id


def moment(value: datetime | None, *, field: str) -> datetime | None:
    """A moment that names its time zone, in UTC. Raises BadFrame."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise BadFrame("A time names its zone: 2026-11-22T10:00:00Z.", field=field)
    try:
        return value.astimezone(UTC)
    except (OverflowError, ValueError):
        raise BadFrame("This time cannot be.", field=field) from None


def answer(status: int = 200, /, **parts: Any) -> Response:
    """The parts by name."""
    return Response(msgspec.to_builtins(parts), status=status)


def nothing() -> Response:
    """Done, and nothing to say."""
    return Response(status=204)
