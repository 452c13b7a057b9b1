"""What begins and ends with the server process: a look at its settings, connections, metrics, an ear for others, the job
worker, the last flush."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from saas.core.jobs import Worker
from saas.core.watch import Watch


class Lifespan:
    """The ASGI lifespan protocol. `refuse` says why this process must not serve, or nothing, and may block. `keep` is
    called on a thread every few seconds from then on. `prepare` is awaited before the first request, `listen` called where there
    may be other processes, `finish` called once more at the end, for servers that do not drain by themselves.
    """

    def __init__(
        self,
        *,
        refuse: Callable[[], str],
        keep: Callable[[], None],
        prepare: Callable[[], Awaitable[None]],
        listen: Callable[[], object],
        finish: Callable[[], Awaitable[None]],
    ) -> None:
        self._refuse = refuse
        self._keep = keep
        self._prepare = prepare
        self._listen = listen
        self._finish = finish

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        if why := await asyncio.to_thread(self._refuse):
            await send({"type": "lifespan.startup.failed", "message": why})
        else:
            await self._live(receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        worker, watch = Worker(), Watch(settings.SERVES, knows_jobs=settings.WORKER_IN_PROCESS, look_after=self._keep)
        watch.start()
        if settings.REDIS_HOSTS:
            self._listen()
        if settings.WORKER_IN_PROCESS:
            await worker.start()
        await self._prepare()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._finish()
        await worker.stop()
        await watch.stop()
        await send({"type": "lifespan.shutdown.complete"})
