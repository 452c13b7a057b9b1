"""Identifiers of rows: UUIDv7, so that a key sorts by time of birth (RFC 9562, section 5.7)."""

import os
import time
from datetime import datetime
from uuid import UUID


def uuid7_floor(moment: datetime) -> UUID:
    """The lowest UUIDv7 of a moment: where a day of rows begins."""
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 0x7 << 76 | 0x2 << 62)


def uuid7() -> UUID:
    """A new UUIDv7: 48 bits of milliseconds since 1970, then 74 random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
