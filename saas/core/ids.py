"""Identifiers of rows: UUIDv7, so that a key sorts by time of birth (RFC 9562, section 5.7)."""

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


def uuid7_floor(moment: datetime) -> UUID:
    """Below every UUIDv7 of this millisecond and above those before: where the rows of a day or a period begin."""
    return UUID(int=((moment - EPOCH) // MILLISECOND) << 80)


def uuid7() -> UUID:
    """A new UUIDv7: 48 bits of milliseconds since 1970, 12 of the fraction of one, 62 random bits; as PostgreSQL's `uuidv7()`."""
    millis, nanos = divmod(time.time_ns(), 1_000_000)
    fraction = nanos * 4_096 // 1_000_000
    return UUID(int=millis << 80 | 0x7 << 76 | fraction << 64 | 0x2 << 62 | int.from_bytes(os.urandom(8)) >> 2)
