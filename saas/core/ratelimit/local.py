"""Counting in this process alone."""

import time
from typing import Final

from saas.core.ratelimit.limit import Limit
from saas.core.ratelimit.refused import refused

MOST_KEYS: Final = 100_000  # per process; about 20 MB


class Meter:
    """One GCRA for one holder, such as a socket: no key, no I/O."""

    __slots__ = ("_burst", "_each", "_name", "_tat")

    def __init__(self, limit: Limit) -> None:
        self._name, self._each, self._burst = limit.name, limit.each, limit.per
        self._tat = 0.0

    def take(self) -> float:
        """Take one. Returns 0, or the seconds until one more is let through."""
        now = time.monotonic()
        tat = max(self._tat, now) + self._each
        wait = tat - self._burst - now
        if wait > 1e-9:
            refused(self._name)
            return wait
        self._tat = tat
        return 0.0


class LocalTier:
    """The limits of this process. Bounded: paid-off keys are swept when it is full, then the oldest go."""

    def __init__(self) -> None:
        self._tats: dict[str, float] = {}

    def take(self, limit: Limit, key: str) -> float:
        """Take one. Returns 0, or the seconds until one more is let through."""
        now = time.monotonic()
        each = limit.each
        tat = max(self._tats.get(key, 0.0), now) + each
        wait = tat - limit.per - now
        if wait > 1e-9:
            refused(limit.name)
            return wait
        if len(self._tats) >= MOST_KEYS:
            self._sweep(now)
        self._tats[key] = tat
        return 0.0

    def clear(self) -> None:
        """Forget everything."""
        self._tats.clear()

    def _sweep(self, now: float) -> None:
        alive = {key: tat for key, tat in self._tats.items() if tat > now}
        oldest = list(alive)[: max(0, len(alive) - MOST_KEYS // 2)]
        for key in oldest:
            del alive[key]
        self._tats = alive
