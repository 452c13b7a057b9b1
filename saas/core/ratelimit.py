"""Limits on how often. One algorithm (GCRA) in two places: in this process, and in Redis for all processes together.

GCRA keeps one number per key, the theoretical arrival time: the moment at which the key's past use is paid off. One more is
allowed while that moment lies less than the burst ahead. (ITU-T I.371, annex A.) With `Limit("sign_in", 10, 60)` ten may come at
once and then one every six seconds.

Keys begin with the tenant, always: `_key` is the only place that makes one. Without Redis this process counts alone, which is
right for one process. When Redis is away each process counts alone against a smaller limit: tighter, never off.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast
from uuid import UUID
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from saas.core.errors import RateLimited

log = logging.getLogger(__name__)

PLATFORM: Final = "platform"  # in the tenant's place for what happens on the platform host
AWAY: Final = 2.0  # seconds without asking a Redis that did not answer
TIMEOUT: Final = 0.25  # seconds for Redis to answer
MOST_KEYS: Final = 100_000  # per process; about 20 MB

# KEYS[1] the key; ARGV: seconds per one, burst in seconds. Time is the server's, so that processes agree. Returns the seconds to
# wait as text (a Lua number would be cut to an integer).
SCRIPT: Final = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1e6
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local wait = tat + ARGV[1] - ARGV[2] - now
if wait > 1e-6 then return tostring(wait) end
local new = tat + ARGV[1]
redis.call('SET', KEYS[1], string.format('%.6f', new), 'PX', math.ceil((new - now) * 1000) + 1)
return '0'
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `times` at once, and `times` in each `per` seconds in the long run."""

    name: str
    times: int
    per: float

    @property
    def each(self) -> float:
        """Seconds that one costs."""
        return self.per / self.times

    def tighter(self) -> "Limit":
        """What one process of several allows while they cannot count together."""
        return Limit(self.name, max(1, self.times // 2), self.per if self.times > 1 else self.per * 2)


class Meter:
    """One GCRA for one holder, such as a socket: no key, no I/O."""

    __slots__ = ("_burst", "_each", "_tat")

    def __init__(self, limit: Limit) -> None:
        self._each = limit.each
        self._burst = limit.per
        self._tat = 0.0

    def take(self) -> float:
        """Take one. Returns 0, or the seconds until one more is let through."""
        now = time.monotonic()
        tat = max(self._tat, now) + self._each
        wait = tat - self._burst - now
        if wait > 1e-9:
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


class SharedTier:
    """The limits of all processes, in Redis. Raises RedisError when it is away, at once while it is known to be."""

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT, "decode_responses": True}
        self._url, self._options = url, options
        self._sync = redis.Redis.from_url(url, **options)
        self._script = self._sync.register_script(SCRIPT)
        self._scripts: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncScript] = WeakKeyDictionary()
        self._away_until = 0.0

    def take(self, limit: Limit, key: str) -> float:
        """Take one; see `LocalTier.take`."""
        self._raise_if_away()
        try:
            return float(cast(str, self._script(keys=[key], args=_arguments(limit))))
        except RedisError:
            self._went_away()
            raise

    async def a_take(self, limit: Limit, key: str) -> float:
        """Take one; see `LocalTier.take`."""
        self._raise_if_away()
        try:
            return float(await cast("Awaitable[str]", self._async_script()(keys=[key], args=_arguments(limit))))
        except RedisError:
            self._went_away()
            raise

    def _async_script(self) -> AsyncScript:
        """An asyncio client belongs to its event loop, so each loop has its own."""
        loop = asyncio.get_running_loop()
        if loop not in self._scripts:
            self._scripts[loop] = redis.asyncio.Redis.from_url(self._url, **self._options).register_script(SCRIPT)
        return self._scripts[loop]

    def _raise_if_away(self) -> None:
        if time.monotonic() < self._away_until:
            raise RedisError("away")

    def _went_away(self) -> None:
        self._away_until = time.monotonic() + AWAY
        log.warning("Redis does not answer: each process limits alone for %s s", AWAY)


_local = LocalTier()


def check_local(limit: Limit, tenant: UUID | str, key: object) -> None:
    """Count one in this process only. No I/O. Raises RateLimited."""
    _refuse_if(_local.take(limit, _key(limit, tenant, key)))


def check(limit: Limit, tenant: UUID | str, key: object) -> None:
    """Count one for all processes: from synchronous code. `tenant` is an id, or PLATFORM. Raises RateLimited."""
    name = _key(limit, tenant, key)
    shared = _shared()
    if shared is None:
        return _refuse_if(_local.take(limit, name))
    try:
        wait = shared.take(limit, name)
    except RedisError:
        wait = _local.take(limit.tighter(), name)
    return _refuse_if(wait)


async def a_check(limit: Limit, tenant: UUID | str, key: object) -> None:
    """Count one for all processes: from a coroutine. Like `check`."""
    name = _key(limit, tenant, key)
    shared = _shared()
    if shared is None:
        return _refuse_if(_local.take(limit, name))
    try:
        wait = await shared.a_take(limit, name)
    except RedisError:
        wait = _local.take(limit.tighter(), name)
    return _refuse_if(wait)


def forget_all() -> None:
    """Forget what this process counted, and its connections to Redis. For tests and for a fork."""
    _local.clear()
    _tier.cache_clear()


def _key(limit: Limit, tenant: UUID | str, key: object) -> str:
    """The one place that names a counter: the tenant first."""
    return f"rl:{tenant}:{limit.name}:{key}"


def _shared() -> SharedTier | None:
    return _tier(settings.REDIS_HOSTS[0]) if settings.REDIS_HOSTS else None


@cache
def _tier(url: str) -> SharedTier:
    return SharedTier(url)


def _arguments(limit: Limit) -> list[float]:
    return [limit.each, limit.per]


def _refuse_if(wait: float) -> None:
    if wait:
        raise RateLimited("That was too often; wait a moment.", retry_after=round(wait + 0.05, 1))
