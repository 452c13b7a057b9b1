"""Several server processes kept by gunicorn: `python -m gunicorn -c python:saas.gunicorn`.

Each is the server of `saas/serve.py`. SIGTERM drains all; SIGHUP starts new ones with the code as it now is, then drains the old.
gunicorn's own variables choose the rest: WEB_CONCURRENCY (how many; more than one needs REDIS_URL) and GUNICORN_CMD_ARGS. The
names below are gunicorn's settings.
"""

import importlib
import logging
import os
import signal
import sys
from typing import Any

from gunicorn.arbiter import Arbiter
from uvicorn_worker import UvicornWorker

from saas.core.server import BACKLOG, OPTIONS, Server, tune

APPLICATION = "saas.asgi"

wsgi_app = f"{APPLICATION}:application"
worker_class = "saas.gunicorn.Worker"
bind = "127.0.0.1:8000"
backlog = BACKLOG
preload_app = False  # so that SIGHUP brings new code
graceful_timeout = 45  # seconds for the drain, its two flushes, and requests under way; then a worker is killed
timeout = 90  # seconds without a sign of life, none of which comes during a drain
worker_tmp_dir = "/dev/shm"  # noqa: S108  # where the sign of life is a file that never reaches a disk
control_socket_disable = True  # nothing beside the service may steer it, and a read-only home has no place for it
loglevel = "warning"


class Worker(UvicornWorker):  # type: ignore[misc]
    """uvicorn under gunicorn, with our protocols and our drain."""

    CONFIG_KWARGS = OPTIONS | {"timeout_notify": timeout // 18}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        logger = logging.getLogger("uvicorn.error")
        logger.handlers, logger.propagate = [], True  # to where all else goes, without secrets: saas/core/logs.py

    def init_process(self) -> None:
        os.environ["WEB_CONCURRENCY"] = str(self.cfg.workers)  # however many were asked for in whatever way
        super().init_process()

    def init_signals(self) -> None:
        super().init_signals()
        signal.signal(signal.SIGTERM, lambda *_signal: sys.exit())  # uvicorn repeats it at the end: to stop as told is no failure

    async def _serve(self) -> None:
        """As the parent does, with our server. The application is imported here, in the worker, where gunicorn has loaded it."""
        self.config.app = self.wsgi
        server = Server(self.config, importlib.import_module(APPLICATION).drain)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    def run(self) -> Any:
        tune()
        return super().run()
