"""The production server of one process: `python -m saas.serve --host 127.0.0.1 --port 8000`.

uvicorn with the fast socket. On SIGTERM or SIGINT it stops accepting, says `bye` to every socket, closes them in batches with
1012, flushes what waits, then ends; a second signal ends it at once.
"""

import argparse
import gc
import os
import signal
import socket
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")

import uvicorn

from saas.asgi import application, drain
from saas.core import fastsocket, handshake
from saas.core.interpreter import SWITCH_SECONDS

GARBAGE = (20_000, 20, 20)  # objects made and not freed, and generations, before the collector looks
BACKLOG = 4096  # connections that wait to be accepted: a restart brings everybody back at once


class Server(uvicorn.Server):
    """uvicorn's server, draining before it cuts."""

    started_in = 0.0  # seconds of work; the next process will need as long

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.started_in = time.process_time()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        if not self.force_exit:
            await drain(starts_in=self.started_in)
        await super().shutdown(sockets)


def config(host: str, port: int) -> uvicorn.Config:
    """How Porchlight is served."""
    fastsocket.check()
    return uvicorn.Config(
        application,
        host=host,
        port=port,
        loop="uvloop",
        http=handshake.HttpProtocol,
        ws=fastsocket.FastWebSocketProtocol,
        lifespan="on",
        log_level="warning",
        access_log=False,
        backlog=BACKLOG,
        server_header=False,
        proxy_headers=False,  # whose X-Forwarded-For is believed is decided in saas/core/http.py alone
        timeout_graceful_shutdown=10,
    )


def _collect_seldom() -> None:
    """What was imported stays for ever, and each socket is hundreds of objects: by the defaults a crowd that opens its sockets
    spends a quarter of its time on looking for garbage. Most of it needs no collector; the rest waits a little longer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_signal: sys.exit())  # uvicorn repeats the signal at the end: to stop as told is no failure
    _collect_seldom()
    sys.setswitchinterval(SWITCH_SECONDS)
    Server(config(given.host, given.port)).run()


if __name__ == "__main__":
    main()
