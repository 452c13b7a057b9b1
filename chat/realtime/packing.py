"""PostgreSQL arrays in its binary form, made in one step: psycopg's own lists look at every element three times.

The form is that of `array_send`: dimensions, a flag for nulls, the element's type, then length and first index, then each element
behind its length; a null is a length of -1.
"""

import re
from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import adapt, pq
from psycopg.adapt import Buffer

_HEAD: Final = Struct(">iiIii")
_SIZE: Final = Struct(">i").pack
_NULL: Final = _SIZE(-1)
_UUID: Final = _SIZE(16)


class _Type(NamedTuple):
    element: int  # the types' ids in pg_type
    array: int
    pack: Callable[[Any], bytes]


def _text(value: str) -> bytes:
    """Raises `ValueError` for what no text can hold: NUL, or half of a pair of surrogates."""
    data = value.encode()
    if b"\0" in data:
        raise ValueError("PostgreSQL text cannot contain NUL")
    return _SIZE(len(data)) + data


def _uuid(value: UUID) -> bytes:
    return _UUID + value.bytes


def _bytea(value: bytes) -> bytes:
    return _SIZE(len(value)) + value


TYPES: Final = {"uuid": _Type(2950, 2951, _uuid), "text": _Type(25, 1009, _text), "bytea": _Type(17, 1001, _bytea)}


class Packed(NamedTuple):
    """An array as it goes to the server."""

    oid: int
    data: bytes


class PackedDumper(adapt.Dumper):
    """Tells psycopg that a `Packed` is ready."""

    format = pq.Format.BINARY

    def dump(self, obj: Packed) -> Buffer:
        return obj.data

    def get_key(self, obj: Packed, format: adapt.PyFormat) -> tuple[type, int]:  # type: ignore[override]
        return (self.cls, obj.oid)

    def upgrade(self, obj: Packed, format: adapt.PyFormat) -> "PackedDumper":
        dumper = PackedDumper(self.cls)
        dumper.oid = obj.oid
        return dumper


def kinds_of(statement: str) -> list[str]:
    """The types of the arrays that a statement takes, by its casts: `%s::uuid[]` is a `uuid`."""
    return re.findall(r"%s::(\w+)\[\]", statement)


def pack(kind: str, values: Sequence[Any]) -> Packed | Sequence[Any]:
    """The values as an array of this type; None is a null. What is of no type in `TYPES` stays a list. Raises `ValueError`."""
    of = TYPES.get(kind)
    if of is None:
        return values
    nulls = None in values
    parts = [_NULL if value is None else of.pack(value) for value in values] if nulls else list(map(of.pack, values))
    return Packed(of.array, _HEAD.pack(1, nulls, of.element, len(parts), 1) + b"".join(parts))
