"""How a moment is written on the wire. Pure."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(256)  # the rows of one flush share their moment
def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-11-22T10:00:00.123Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
