"""uvicorn as Porchlight runs it, alone or under gunicorn: the fast socket, the short handshake, a drain before the end."""

import asyncio
import gc
import logging
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, Final

import uvicorn
from django.conf import settings

from saas.core import fastsocket, handshake
from saas.core.interpreter import SWITCH_SECONDS
from saas.core.logs import apart

log = logging.getLogger(__name__)

BACKLOG: Final = 4096  # connections that wait to be accepted: a restart brings everybody back at once
GRACE_SECONDS: Final = 10  # for requests under way, once the sockets are closed
KEEP_ALIVE_SECONDS: Final = 130  # of idle connections; longer than what stands before us, which would write into a closed one
GARBAGE: Final = (20_000, 20, 20)  # objects made and not freed, and generations, before the collector looks

# Of `uvicorn.Config`.
OPTIONS: Final[dict[str, Any]] = {
    "loop": "uvloop",
    "http": handshake.HttpProtocol,
    "ws": fastsocket.FastWebSocketProtocol,
    "lifespan": "on",
    "access_log": False,
    "log_config": None,  # its words go where all others do: saas/core/logs.py
    "server_header": False,
    "proxy_headers": False,  # whose X-Forwarded-For is believed is decided in saas/core/http.py alone
    "timeout_keep_alive": KEEP_ALIVE_SECONDS,
    "timeout_graceful_shutdown": GRACE_SECONDS,
}

Drain = Callable[..., Awaitable[None]]  # called with `starts_in`, in seconds


class Server(uvicorn.Server):
    """On SIGTERM or SIGINT it stops accepting, drains, then ends what is left; a second signal ends it at once.

    Where TARGET_GROUP_ARNS says that a load balancer of AWS' is before it, it drains as soon as that sends nothing new, and lives
    on until the signal comes.
    """

    started_in = 0.0  # seconds of work; the next process will need as long
    _leaving: asyncio.Task[None] | None = None

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        fastsocket.check()
        super().__init__(config)
        self._drain = drain

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        target = import_module("saas.core.target") if settings.TARGET_GROUP_ARNS else None  # it takes half a second
        await super().startup(sockets)
        self.started_in = time.process_time()
        if target is not None:
            state_in = target.Target(self._port()).state_in
            leave = self._leave(target.until_draining(settings.TARGET_GROUP_ARNS, state_in))
            self._leaving = asyncio.get_running_loop().create_task(leave, name="target", context=apart())

    def _port(self) -> int:
        return int(self.servers[0].sockets[0].getsockname()[1])

    async def _leave(self, draining: Awaitable[None]) -> None:
        await draining
        log.info("the load balancer takes leave of this process: it drains, and waits for its end")
        await self._drain(starts_in=self.started_in)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        if not self.force_exit:
            await self._drain(starts_in=self.started_in)
        if self._leaving is not None:
            self._leaving.cancel()
        await super().shutdown(sockets)


def tune() -> None:
    """Set this process's interpreter up for many sockets. To be called once, when everything is imported.

    What was imported stays for ever, and each socket is hundreds of objects: by the defaults a crowd that opens its sockets
    spends a quarter of its time on looking for garbage. Most of it needs no collector; the rest waits a little longer.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    sys.setswitchinterval(SWITCH_SECONDS)
