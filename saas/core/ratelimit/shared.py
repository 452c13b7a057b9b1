"""Counting for all processes together, in Redis."""

import asyncio
from collections.abc import Awaitable, Sequence
from functools import cache
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError
from redis.retry import Retry

from saas.core.ratelimit.absence import ANSWER_SOON, TIMEOUT, absence_of, forget_absences
from saas.core.ratelimit.limit import Limit

# KEYS[1] the key; ARGV: seconds per one, burst in seconds. Time is the server's, so that processes agree. What lies further ahead
# than a whole burst was counted by a clock that has been set back since. Returns the seconds to wait as text (a Lua number would
# be cut to an integer).
TAKE: Final = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1e6
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
if tat > now + ARGV[2] then
  tat = now + ARGV[2]
  redis.call('SET', KEYS[1], string.format('%.6f', tat), 'PX', math.ceil(ARGV[2] * 1000) + 1)
end
local wait = tat + ARGV[1] - ARGV[2] - now
if wait > 1e-6 then return tostring(wait) end
local new = tat + ARGV[1]
redis.call('SET', KEYS[1], string.format('%.6f', new), 'PX', math.ceil((new - now) * 1000) + 1)
return '0'
"""

# KEYS: any number; ARGV: for each key the seconds per one, the burst in seconds, and how many were handed out. They are charged
# whatever the limit says, up to two bursts ahead: they have been handed out. Returns how far ahead each
# key now is, in one text, which is read in one go.
CHARGE: Final = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1e6
local ahead = {}
for i, key in ipairs(KEYS) do
  local each, burst, count = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  local tat = math.max(tonumber(redis.call('GET', key) or '0'), now)
  local new = math.min(tat + each * count, now + 2 * burst)
  redis.call('SET', key, string.format('%.6f', new), 'PX', math.ceil((new - now) * 1000) + 1)
  ahead[i] = tostring(new - now)
end
return table.concat(ahead, ' ')
"""


class SharedTier:
    """The limits of all processes. Raises RedisError when Redis is away, at once while it is known to be."""

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = {**ANSWER_SOON, "decode_responses": True}
        self._url, self._options = url, options
        self._sync = redis.Redis.from_url(url, **options, retry=Retry(NoBackoff(), 0))
        self._take = self._sync.register_script(TAKE)
        self._scripts: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, AsyncScript]] = WeakKeyDictionary()
        self._absence = absence_of(url)

    @property
    def is_away(self) -> bool:
        """True for a while after it did not answer."""
        return self._absence.lasts

    def take(self, limit: Limit, key: str) -> float:
        """Take one; see `LocalTier.take`."""
        self._raise_if_away()
        try:
            wait = float(cast(str, self._take(keys=[key], args=[limit.each, limit.per])))
        except RedisError as error:
            self._absence.begin(error)
            raise
        self._absence.end()
        return wait

    async def a_take(self, limit: Limit, key: str) -> float:
        """Take one; see `LocalTier.take`."""
        return float(cast(str, await self._run(TAKE, [key], [limit.each, limit.per])))

    async def a_charge(self, keys: Sequence[str], arguments: Sequence[float]) -> list[float]:
        """Tell of permits that were handed out: for each key seconds per one, burst and count. How far ahead each key is now."""
        return [float(ahead) for ahead in (await self._run(CHARGE, keys, arguments)).split(" ")]

    async def _run(self, source: str, keys: Sequence[str], arguments: Sequence[float]) -> Any:
        self._raise_if_away()
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await cast("Awaitable[Any]", self._script(source)(keys=list(keys), args=list(arguments)))
        except (RedisError, OSError, TimeoutError) as error:
            self._absence.begin(error)
            raise RedisError(f"away: {error}") from error
        self._absence.end()
        return answer

    def _script(self, source: str) -> AsyncScript:
        """An asyncio client belongs to its event loop, so each loop has its own."""
        loop = asyncio.get_running_loop()
        if loop not in self._scripts:
            client = redis.asyncio.Redis.from_url(self._url, **self._options, retry=AsyncRetry(NoBackoff(), 0))
            self._scripts[loop] = {text: client.register_script(text) for text in (TAKE, CHARGE)}
        return self._scripts[loop][source]

    def _raise_if_away(self) -> None:
        if self.is_away:
            raise RedisError("away")


def shared_tier() -> SharedTier | None:
    """The Redis of the limits; None where this process is the only one."""
    return _tier(settings.REDIS_HOSTS[0]) if settings.REDIS_HOSTS else None


@cache
def _tier(url: str) -> SharedTier:
    return SharedTier(url)


def forget_shared() -> None:
    """Make new connections with the next use."""
    _tier.cache_clear()
    forget_absences()
