"""When a mute or a ban ends."""

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from saas.core.clock import database_time
from saas.core.errors import BadFrame

LONGEST: Final = timedelta(days=3_650)


def until(moment: datetime | None, seconds: float | None, *, field: str) -> datetime | None:
    """The end of a mute or a ban that was given as a moment or in seconds from now; None when it is over already.

    Raises BadFrame for both at once, and for more than ten years.
    """
    if moment is not None and seconds is not None:
        raise BadFrame("Say until when or for how long, not both.", field=field)
    now = database_time()
    if seconds is not None:
        if not 0 <= seconds <= LONGEST.total_seconds():
            raise BadFrame("That is 0 seconds to ten years.", field=field)
        moment = now + timedelta(seconds=seconds)
    if moment is not None and moment > now + LONGEST:
        raise BadFrame("That is more than ten years ahead.", field=field)
    return moment if moment and moment > now else None


def later(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two ends; None only if there is neither."""
    return max((end for end in (one, other) if end), default=None)


def for_good() -> datetime:
    """What ends later than this is shown as for good: nobody counts ten years."""
    return timezone.now() + LONGEST - timedelta(days=365)
