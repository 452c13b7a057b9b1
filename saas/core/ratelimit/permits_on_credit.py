"""Permits on credit: limits for what is hot, such as a message. Answered at once, settled with Redis afterwards.

A process hands out permits of several counters together, the visitor's, the address's, the tenant's: all of them or none. It
keeps each counter as it knows it, and tells Redis in the background how many it handed out, of all counters in one script call;
the answer tells how far the counter is by the use of all processes. So a send never waits for Redis.

The credit of a process for a counter is its *lease*, a quarter of the limit and at most `MOST_LEASED`: so many permits may be
unsettled. It settles `SETTLE_SECONDS` after the first, or at once when half the lease is spent. Who would exceed the lease waits
for the settlement, at most `TIMEOUT`, and is then counted by this process alone against the tighter limit.

**Bound**: while Redis answers, all processes together hand out no more than the limit + processes x lease in the time in which
one process would hand out the limit. Nothing is lost in the long run: all that was handed out is charged, so that what went
beyond is missing later; a settlement whose answer was lost is charged twice. While Redis is away each process hands out at most
the tighter limit, half of it. A Redis that was emptied forgets the others' use, never this process's own.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary, WeakValueDictionary

from redis.exceptions import RedisError

from saas.core.logs import apart
from saas.core.ratelimit.absence import AWAY, TIMEOUT
from saas.core.ratelimit.limit import Limit, counter_key
from saas.core.ratelimit.refused import refused
from saas.core.ratelimit.shared import SharedTier, shared_tier

MOST_LEASED: Final = 500
SETTLE_SECONDS: Final = 0.2  # a call costs as much as a hello
SETTLE_MOST: Final = 200  # counters in one script call
SWEEP_AT: Final = 10_000  # counters that owe something, before those that have paid are dropped
MOST_OWING: Final = 100_000


class Counter:
    """One key as this process counts it. Holders of permits keep it, so that a permit costs no lookup."""

    __slots__ = ("__weakref__", "burst", "each", "key", "lease", "limit", "own", "tat", "tight_burst", "tight_each", "unsettled")

    def __init__(self, key: str, limit: Limit) -> None:
        self.key = key
        self.tat = 0.0  # when all processes' use is paid off, as far as this one knows
        self.own = 0.0  # when this process's own use is
        self.unsettled = 0
        self._count_by(limit)

    def set(self, limit: Limit) -> None:
        """Count by this limit from now on. What was used stays used: so many are as many under the new one."""
        now, cheaper = time.monotonic(), limit.each / self.each
        self.tat, self.own = (now + (tat - now) * cheaper if tat > now else tat for tat in (self.tat, self.own))
        self._count_by(limit)

    def _count_by(self, limit: Limit) -> None:
        self.limit, tight = limit, limit.tighter()
        self.each, self.burst = limit.each, limit.per
        self.tight_each, self.tight_burst = tight.each, tight.per
        self.lease = max(1, min(MOST_LEASED, limit.times // 4))

    @property
    def is_urgent(self) -> bool:
        """Whether half of the lease is spent."""
        return 2 * self.unsettled >= self.lease

    def wait(self, now: float, *, tight: bool) -> float:
        """The seconds until one more is let through; 0 or less: now."""
        each, burst = (self.tight_each, self.tight_burst) if tight else (self.each, self.burst)
        return max(self.tat, now) + each - burst - now

    def spend(self, now: float, *, tight: bool) -> None:
        """Hand one out."""
        each = self.tight_each if tight else self.each
        self.tat = max(self.tat, now) + each
        self.own = max(self.own, now) + each

    def settled(self, now: float, count: int, ahead: float) -> None:
        """Redis was told of so many, and says how far the counter is."""
        self.unsettled -= count
        self.tat = max(self.own, now + ahead + self.unsettled * self.each)


class Permits:
    """The counters of one event loop. `shared` None: this process is the only one."""

    def __init__(self, shared: SharedTier | None) -> None:
        self._shared = shared
        self._counters: WeakValueDictionary[str, Counter] = WeakValueDictionary()
        self._owing: dict[str, Counter] = {}  # what must not be forgotten, though nobody holds it
        self._sweep_at = SWEEP_AT
        self._dirty: list[Counter] = []
        self._round: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def counter(self, limit: Limit, tenant: UUID | str, key: object) -> Counter:
        """The counter of this key, to be kept by who takes from it."""
        name = counter_key(limit, tenant, key)
        found = self._counters.get(name)
        if found is None:
            found = self._counters[name] = Counter(name, limit)
        elif found.limit is not limit and found.limit != limit:
            found.set(limit)
        return found

    def take(self, counters: Sequence[Counter]) -> float | None:
        """Take one of each, or none. Returns 0, the seconds until it is worth trying again, or None: use `a_take`."""
        now = time.monotonic()
        tight = self._shared is not None and self._shared.is_away
        if (wait := max([counter.wait(now, tight=tight) for counter in counters])) > 1e-9:
            _count_refusal(counters, now, tight=tight)
            return wait
        if self._shared is not None and not tight and any(counter.unsettled >= counter.lease for counter in counters):
            return None
        self._spend(counters, now, tight=tight)
        return 0.0

    async def a_take(self, counters: Sequence[Counter]) -> float:
        """The same; where the credit is used up it waits for the settlement, or at most for `TIMEOUT`."""
        wait = self.take(counters)
        if wait is not None:
            return wait
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TIMEOUT):
                await asyncio.shield(self._settle_now())
        wait = self.take(counters)
        if wait is not None:
            return wait
        now = time.monotonic()
        if (wait := max(counter.wait(now, tight=True) for counter in counters)) > 1e-9:
            _count_refusal(counters, now, tight=True)
            return wait
        self._spend(counters, now, tight=True)
        return 0.0

    def _spend(self, counters: Iterable[Counter], now: float, *, tight: bool) -> None:
        for counter in counters:
            if counter.tat <= now:
                self._remember(counter, now)
            counter.spend(now, tight=tight)
            if self._shared is not None:
                self._note(counter)

    def _remember(self, counter: Counter, now: float) -> None:
        if len(self._owing) >= self._sweep_at:
            self._owing = {key: one for key, one in self._owing.items() if one.tat > now or one.unsettled}
            for key in list(self._owing)[: max(0, len(self._owing) - MOST_OWING // 2)]:
                del self._owing[key]
            self._sweep_at = max(SWEEP_AT, 2 * len(self._owing))
        self._owing[counter.key] = counter

    def _note(self, counter: Counter) -> None:
        """Redis must hear of it: soon, or now."""
        counter.unsettled += 1
        if counter.unsettled == 1:
            self._dirty.append(counter)
        if counter.is_urgent:
            self._settle_now()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._settle_now)

    def _settle_now(self) -> asyncio.Task[None]:
        """The settlement that is under way, or a new one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._round is None or self._round.done():
            self._round = asyncio.get_running_loop().create_task(self._settle(), name="settle limits", context=apart())
        return self._round

    async def _settle(self) -> None:
        """What is owed now, and what becomes urgent meanwhile. The rest is left for the next time: under load there always is
        some, and a call for each few costs more than a message."""
        left = len(self._dirty)
        while left > 0 or any(counter.is_urgent for counter in self._dirty):
            left -= SETTLE_MOST
            batch, self._dirty = self._dirty[:SETTLE_MOST], self._dirty[SETTLE_MOST:]
            counts = [counter.unsettled for counter in batch]
            try:
                await self._charge(batch, counts)
            except RedisError:
                self._dirty = batch + self._dirty
                loop = asyncio.get_running_loop()
                self._timer = self._timer or loop.call_later(AWAY, self._settle_now)
                return
        if self._dirty and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._settle_now)

    async def _charge(self, batch: Sequence[Counter], counts: Sequence[int]) -> None:
        assert self._shared is not None
        pairs = list(zip(batch, counts, strict=True))
        told = [part for counter, count in pairs for part in (counter.each, counter.burst, count)]
        ahead = await self._shared.a_charge([counter.key for counter in batch], told)
        now = time.monotonic()
        for (counter, count), far in zip(pairs, ahead, strict=True):
            counter.settled(now, count, far)
            if counter.unsettled:
                self._dirty.append(counter)


def _count_refusal(counters: Sequence[Counter], now: float, *, tight: bool) -> None:
    """By the name of the one that takes longest."""
    refused(max(counters, key=lambda counter: counter.wait(now, tight=tight)).limit.name)


_permits: WeakKeyDictionary[asyncio.AbstractEventLoop, Permits] = WeakKeyDictionary()
_last: tuple[asyncio.AbstractEventLoop, Permits] | None = None  # a server has one loop, and asks for each frame


def permits() -> Permits:
    """Those of this event loop."""
    global _last
    loop = asyncio.get_running_loop()
    if _last is None or _last[0] is not loop:
        if loop not in _permits:
            _permits[loop] = Permits(shared_tier())
        _last = (loop, _permits[loop])
    return _last[1]


def forget_permits() -> None:
    """Count anew."""
    global _last
    _last = None
    _permits.clear()
