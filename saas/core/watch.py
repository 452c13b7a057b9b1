"""An eye on this process: how late its event loop is, what it holds, and its word to the others (`processes.py`).

Begun and ended with the process (`saas/lifespan.py`, `saas/worker.py`). What the apps know of themselves comes by the hook
`figures`, asked on the event loop every `LOOK_SECONDS`; it should take no more than a few milliseconds.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

import psycopg
from asgiref.sync import sync_to_async
from django.db import DatabaseError, connections

from saas.core import registry
from saas.core.job_figures import job_figures, tell, tell_nothing
from saas.core.logs import apart
from saas.core.metrics import HTTP, LOOP_LAG
from saas.core.metrics.kernel import PROCESS, pool_stats
from saas.core.metrics.port import Port
from saas.core.processes import Figures, Myself

log = logging.getLogger(__name__)

LAG_SECONDS: Final = 0.1  # between two looks at the loop
LOOK_SECONDS: Final = 5.0  # between two words
WORKER: Final = "worker"
RATES: Final = "_total"  # what ends so is told by the second, too


class Watch:
    """Of one process and its event loop. `look_after` is called at every look, on a thread, and raises nothing."""

    def __init__(self, kind: str, *, knows_jobs: bool, look_after: Callable[[], None] = lambda: None) -> None:
        self._myself = Myself(kind)
        self._serves = kind != WORKER  # else there is nothing that the apps could tell of it
        self._knows_jobs = knows_jobs  # it runs jobs: how they stand is told by those who do
        self._look_after = look_after
        self._port = Port()
        self._worst_lag = 0.0
        self._before: dict[str, float] = {}
        self._before_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._is_unheard = False

    def start(self) -> None:
        """Open the port and begin to look."""
        self._port.open()
        PROCESS.set_all({self._myself.kind: 1})
        self._tasks = [self._run(self._feel_lag()), self._run(self._look())]

    async def stop(self) -> None:
        """Look no more, and take leave of the others."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._aside(self._myself.leave)
        await asyncio.to_thread(self._port.close)

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(work, name="watch", context=apart())

    async def _feel_lag(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + LAG_SECONDS
            await asyncio.sleep(LAG_SECONDS)
            lag = clock() - due
            LOOP_LAG.observe(lag)
            self._worst_lag = max(self._worst_lag, lag)

    async def _look(self) -> None:
        while True:
            figures = self.figures()
            await asyncio.to_thread(self._look_after)
            await self._aside(lambda figures=figures: self._tell(figures))  # type: ignore[misc]
            await asyncio.sleep(LOOK_SECONDS)

    def figures(self) -> Figures:
        """Numbers by name, as of now."""
        found: dict[str, Any] = {"lag_ms": round(self._worst_lag * 1000, 1), "http_total": sum(HTTP.of.values())}
        self._worst_lag = 0.0
        found |= {f"pool_{name}": pool_stats().get(name, 0) for name in ("pool_size", "pool_available", "requests_waiting")}
        for answer in registry.figures() if self._serves else ():
            found |= answer
        return {**found, **self._rates(found)}

    def _rates(self, found: Figures) -> Figures:
        """What grew since the last look, by the second."""
        now = asyncio.get_running_loop().time()
        seconds, before = now - self._before_at, self._before
        self._before = {name: amount for name, amount in found.items() if name.endswith(RATES)}
        self._before_at = now
        return {
            name.removesuffix(RATES) + "_rate": round((amount - before[name]) / seconds, 1)
            for name, amount in self._before.items()
            if name in before and seconds > 0
        }

    def _tell(self, figures: Figures) -> None:
        self._myself.tell(figures)
        if self._knows_jobs:
            tell(job_figures())

    async def _aside(self, work: Callable[[], None]) -> None:
        """On a thread of its own. Without a database nothing is told, and that is said once."""

        def done() -> None:
            try:
                work()
            finally:
                connections.close_all()

        try:
            await sync_to_async(done, thread_sensitive=False)()
            self._is_unheard = False
        except (DatabaseError, psycopg.Error, OSError) as error:
            tell_nothing()
            if not self._is_unheard:
                log.warning("this process cannot tell the others of itself: %s: %s", type(error).__name__, error)
            self._is_unheard = True
