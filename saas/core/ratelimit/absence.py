"""A Redis that does not answer is left alone for a while, by all in this process who count in it."""

import logging
import time
from typing import Any, Final

log = logging.getLogger(__name__)

AWAY: Final = 2.0  # seconds without asking a Redis that did not answer
TIMEOUT: Final = 0.25  # seconds for Redis to answer
ANSWER_SOON: Final[dict[str, Any]] = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}


class Absence:
    """Since when a Redis does not answer, for all threads. It is asked again every `AWAY` seconds."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def lasts(self) -> bool:
        """True while Redis is not worth asking."""
        return time.monotonic() < self._until

    def begin(self, error: Exception) -> None:
        """It did not answer. Said once."""
        if not self._until:
            log.warning("Redis does not answer (%s): each process counts alone until it does", type(error).__name__)
        self._until = time.monotonic() + AWAY

    def end(self) -> None:
        """It answered."""
        if self._until:
            log.warning("Redis answers again: all processes count together")
            self._until = 0.0


_known: dict[str, Absence] = {}  # by address


def absence_of(url: str) -> Absence:
    """The one of the Redis at this address; of two threads that come first, both get the same."""
    return _known.setdefault(url, Absence())


def forget_absences() -> None:
    """As in a new process."""
    _known.clear()
