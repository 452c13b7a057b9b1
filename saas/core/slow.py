"""What took too long is said in the log: messages, queries, requests. How many there were is counted; a flood of them says little
more than the first, so that a few lines a second must do.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from django.conf import settings

from saas.core.metrics import SLOW

log = structlog.stdlib.get_logger(__name__)

LINES_PER_SECOND: Final = 5


class Slow:
    """One kind of thing, and how long it may take. `limit` is in seconds; without one nothing is slow."""

    def __init__(self, what: str, limit_ms: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit_ms / 1000 if limit_ms else float("inf")
        self._event = f"slow {what}"
        self._count = SLOW.labels(what)
        self._clock, self._second, self._lines, self._left_out = clock, 0, 0, 0

    def note(self, seconds: float, *, count: int = 1, **facts: Any) -> None:
        """It took so long: say so, unless much was said in this second. `facts` hold no text that anybody wrote."""
        self._count.inc(count)
        second = int(self._clock())
        if second != self._second:
            self._second, self._lines = second, 0
        if self._lines >= LINES_PER_SECOND:
            self._left_out += 1
            return
        self._lines += 1
        left_out, self._left_out = self._left_out, 0
        more = {"not_said": left_out} if left_out else {}
        log.warning(self._event, ms=round(seconds * 1000), **facts, **more)


MESSAGE: Final = Slow("message", settings.SLOW_MESSAGE_MS)
QUERY: Final = Slow("query", settings.SLOW_QUERY_MS)
REQUEST: Final = Slow("request", settings.SLOW_REQUEST_MS)
