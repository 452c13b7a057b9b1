"""The private port that Prometheus asks: `METRICS_PORT`, on `METRICS_HOST`, which is this machine alone unless told otherwise.

A thread answers, so that a busy event loop can be seen as one. Each process has a port of its own: where several run on a host,
as under gunicorn, each takes the first that is free from `METRICS_PORT` on, and Prometheus asks them all.
"""

import errno
import logging
from contextlib import suppress
from typing import Any, Final

from django.conf import settings
from prometheus_client import start_http_server

from saas.core.metrics.kinds import REGISTRY

log = logging.getLogger(__name__)

MOST: Final = 32  # processes of one host


class Port:
    """The open port of this process, or none."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._server: Any = None

    def open(self) -> None:
        """Take one, if any is wished for. Without a free one the process serves all the same, and says so."""
        if not settings.METRICS_PORT or self._server is not None:
            return
        for number in range(settings.METRICS_PORT, settings.METRICS_PORT + MOST):
            with suppress(_Taken):
                self._server = _serve(number)
                self.number = number
                return
        log.error("no port for metrics: %d to %d are taken", settings.METRICS_PORT, settings.METRICS_PORT + MOST - 1)

    def close(self) -> None:
        """Give it back, for the process that takes this one's place."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = self.number = None


class _Taken(Exception):  # by another process
    pass


def _serve(number: int) -> Any:
    try:
        return start_http_server(number, addr=settings.METRICS_HOST, registry=REGISTRY)[0]
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise _Taken from error
        log.error("metrics are not served on %s:%d: %s", settings.METRICS_HOST, number, error)
        raise _Taken from error
