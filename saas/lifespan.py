"""What begins and ends with the server process: connections, an ear for other processes, the job worker, the last flush."""

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from saas.core.jobs import Worker


class Lifespan:
    """The ASGI lifespan protocol. `prepare` is awaited before the first request, `listen` called where there may be other
    processes, `finish` called once more at the end, for servers that do not drain by themselves.
    """

    def __init__(
        self, *, prepare: Callable[[], Awaitable[None]], listen: Callable[[], object], finish: Callable[[], Awaitable[None]]
    ) -> None:
        self._prepare = prepare
        self._listen = listen
        self._finish = finish

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        worker = Worker()
        if settings.REDIS_HOSTS:
            self._listen()
        if settings.WORKER_IN_PROCESS:
            await worker.start()
        await self._prepare()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._finish()
        await worker.stop()
        await send({"type": "lifespan.shutdown.complete"})
