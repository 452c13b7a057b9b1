"""PostgreSQL arrays in its binary form, made in one step: psycopg's own lists look at every element three times.

The form is that of `array_send`: dimensions, a flag for nulls, the element's type, then length and first index, then each element
behind its length; a null is a length of -1.
"""

import re
from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any, Final, NamedTuple
from uuid import UUID

_HEAD: Final = Struct(">iiIii")
_SIZE: Final = Struct(">i").pack
_NULL: Final = _SIZE(-1)
_UUID: Final = _SIZE(16)
_TRUE, _FALSE = _SIZE(1) + b"\1", _SIZE(1) + b"\0"


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


def _boolean(value: object) -> bytes:
    return _TRUE if value else _FALSE


TYPES: Final = {
    "uuid": _Type(2950, 2951, _uuid),
    "text": _Type(25, 1009, _text),
    "bytea": _Type(17, 1001, _bytea),
    "boolean": _Type(16, 1000, _boolean),
}


class Packed(NamedTuple):
    """A value as it goes to the server."""

    oid: int
    data: bytes


def text(value: str) -> Packed:
    """A single text."""
    return Packed(TYPES["text"].element, value.encode())


def kinds_of(statement: str) -> list[str]:
    """The types of the arrays that a statement takes, by its casts: `%s::uuid[]` is a `uuid`."""
    return re.findall(r"%s::(\w+)\[\]", statement)


def pack(kind: str, values: Sequence[Any]) -> Packed:
    """The values as an array of this type; None is a null. Raises `ValueError`."""
    of = TYPES[kind]
    nulls = None in values
    parts = [_NULL if value is None else of.pack(value) for value in values] if nulls else list(map(of.pack, values))
    return Packed(of.array, _HEAD.pack(1, nulls, of.element, len(parts), 1) + b"".join(parts))
