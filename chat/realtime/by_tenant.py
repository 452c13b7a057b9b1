"""Work that waits in memory, done for each tenant apart: one whose tables are held delays nobody else's.

Each call may hold a thread and a connection for as long as a lock is waited for. So only a few go at a time, and a tenant that
could not be served the last time goes aside: such tenants wait for each other, and the others do not wait for them again. Where
one of them after the other can be served after all, it was the database that was away, and as many of them go at a time.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from saas.core.logs import apart
from tenants.context import TenantRef

log = logging.getLogger(__name__)

MOST: Final = 2  # tenants at a time, where nothing else is said
MOST_ASIDE: Final = 1  # and of those that could not be served the last time, until some of them could
AT_THE_END: Final = 1_000  # tenants at a time when nothing else is to come: only the threads bound them then

Work = Callable[[TenantRef], Awaitable[bool]]


class ByTenant:
    """Lives in one event loop. `work` takes what waits of a tenant and does it; False: it could not, and that waits on. It never
    raises. `waits` tells whether something of a tenant waits. `most` tenants go at a time.
    """

    def __init__(self, name: str, work: Work, waits: Callable[[TenantRef], bool], *, most: int = MOST) -> None:
        self._name, self._work, self._waits, self._most = name, work, waits, most
        self._timers: dict[TenantRef, asyncio.Task[None]] = {}
        self._under_way: dict[TenantRef, asyncio.Task[bool]] = {}
        self._aside: set[TenantRef] = set()
        self._places, self._places_aside = asyncio.Semaphore(most), asyncio.Semaphore(MOST_ASIDE)
        self._many_aside = MOST_ASIDE  # places

    @property
    def is_idle(self) -> bool:
        return not self._timers and not self._under_way

    def wake(self, tenant: TenantRef, *, gather: float, retry: float) -> None:
        """Something of the tenant waits: it is done in `gather` seconds, and while it cannot be, again `retry` seconds later."""
        if tenant not in self._timers:
            work = self._in_time(tenant, gather, retry)
            self._timers[tenant] = asyncio.get_running_loop().create_task(work, name=self._name, context=apart())

    async def _in_time(self, tenant: TenantRef, gather: float, retry: float) -> None:
        try:
            while self._waits(tenant):
                await asyncio.sleep(gather)
                if not await self.now(tenant):
                    await asyncio.sleep(retry)
        finally:
            self._timers.pop(tenant, None)

    async def now(self, tenant: TenantRef, work: Work | None = None) -> bool:
        """Do what waits, behind what is under way of this tenant. Whoever waits for it no longer does not stop it."""
        while (before := self._under_way.get(tenant)) is not None:
            await asyncio.wait([before])
        mine = asyncio.get_running_loop().create_task(self._in_turn(tenant, work or self._work), name=self._name, context=apart())
        self._under_way[tenant] = mine
        mine.add_done_callback(lambda _done: self._under_way.pop(tenant, None))
        return await asyncio.shield(mine)

    async def _in_turn(self, tenant: TenantRef, work: Work) -> bool:
        if tenant in self._aside:
            return await self._in_turn_aside(tenant, work)
        async with self._places:
            well = await work(tenant)
        if not well:
            self._aside.add(tenant)
        return well

    async def _in_turn_aside(self, tenant: TenantRef, work: Work) -> bool:
        await self._places_aside.acquire()
        well = False
        try:
            well = await work(tenant)
        finally:
            self._came_from_aside(tenant, well=well)
        return well

    def _came_from_aside(self, tenant: TenantRef, *, well: bool) -> None:
        """Each that went well makes a place more, each that did not one less. When nobody is left, all is as at first."""
        if well:
            self._aside.discard(tenant)
        if not self._aside:
            self._places_aside, self._many_aside = asyncio.Semaphore(MOST_ASIDE), MOST_ASIDE
            return
        many = min(self._many_aside + 1, self._most) if well else max(self._many_aside - 1, MOST_ASIDE)
        for _ in range(1 + many - self._many_aside):
            self._places_aside.release()
        self._many_aside = many

    async def all(self, waiting: Iterable[TenantRef], work: Work | None = None, *, seconds: float | None = None) -> bool:
        """Do what waits of these, and what is under way. Whether all of it is done.

        With `seconds`, which each tenant has, as the last: they have all the threads that there are.
        """
        if seconds is not None:
            for _ in range(AT_THE_END):
                self._places.release()
                self._places_aside.release()
        tenants = {*waiting, *self._under_way}
        return all(await asyncio.gather(*(self._within(seconds, tenant, work) for tenant in tenants)))

    async def _within(self, seconds: float | None, tenant: TenantRef, work: Work | None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self.now(tenant, work)
        except TimeoutError:
            log.error("%s of tenant %s are not stored after %s s", self._name, tenant.id, seconds)
            return False

    def stop(self) -> None:
        """Begin nothing more by itself. What is under way goes on."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
