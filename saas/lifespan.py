"""What begins and ends with the server process: the job worker, when it shares the process, and the last flush."""

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from saas.core.jobs import Worker


class Lifespan:
    """The ASGI lifespan protocol. `finish` is called once more at the end, for servers that do not drain by themselves."""

    def __init__(self, finish: Callable[[], Awaitable[None]]) -> None:
        self._finish = finish

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        worker = Worker()
        if settings.WORKER_IN_PROCESS:
            await worker.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._finish()
        await worker.stop()
        await send({"type": "lifespan.shutdown.complete"})
