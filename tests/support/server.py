"""Really spawned servers: the shipped one, and Django's runserver on daphne."""

import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import httpx

from saas.up.database import ROOT
from saas.up.processes import die_with_parent, refusal
from tests.support.cluster import SETTINGS
from tests.support.patience import PATIENCE

Kind = Literal["uvicorn", "daphne"]

LASTING_PORTS = range(20_000, 32_768)  # below those of ip_local_port_range
START_SECONDS = 90.0  # with every core taken by other tests
COMMANDS: dict[Kind, list[str]] = {
    "uvicorn": ["-m", "saas.serve", "--port", "{port}"],
    "daphne": ["manage.py", "runserver", "--noreload", "127.0.0.1:{port}"],
}
# What a log must not hold whatever a peer does: a traceback, an error of ours, a task that nobody looked after.
LOUD = re.compile(r"Traceback|Unhandled|never retrieved|was never awaited|\b(?:ERROR|CRITICAL)\b")


@dataclass
class Server:
    """A server process on a loopback port, as its own `localhost` with subdomains."""

    kind: Kind
    port: int
    log: Path
    variables: dict[str, str]
    command: list[str] = field(default_factory=list)  # another than the kind's own
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def base_host(self) -> str:
        return f"localhost:{self.port}"

    def start(self) -> "Server":
        """Start, and wait until it is ready. Also used to start again on the same port after an end."""
        self.launch().await_ready()
        return self

    def launch(self) -> "Server":
        """Start without waiting."""
        words = [word.format(port=self.port) for word in self.command or COMMANDS[self.kind]]
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                env=os.environ | self.variables,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                preexec_fn=die_with_parent,
            )
        return self

    def await_ready(self) -> None:
        """Wait until it is ready. Raises RuntimeError with the end of its log."""
        end = time.monotonic() + START_SECONDS
        while self.ready() != 200:
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                raise RuntimeError(f"{self.kind} does not start:\n{self.said()[-3000:]}")
            time.sleep(0.05)

    def ready(self) -> int:
        """The status of `/healthz/ready`; 0 if nobody answers."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz/ready", timeout=PATIENCE).status_code
        except httpx.TransportError:
            return 0

    def terminate(self) -> None:
        """SIGTERM: the server should drain."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: gone at once, with all it knew."""
        self.process.kill()
        self.process.wait()

    def wait(self) -> int:
        """Wait for the end; the exit status."""
        return self.process.wait(PATIENCE)

    def said(self) -> str:
        """Everything in its log."""
        return self.log.read_text(errors="replace")

    def complaints(self) -> list[str]:
        """Lines of the log that no peer should be able to cause."""
        return [line for line in self.said().splitlines() if LOUD.search(line)]

    def stop(self) -> None:
        """Let it end, by force if it takes too long."""
        self.terminate()
        try:
            self.wait()
        except subprocess.TimeoutExpired:
            self.kill()


_given: set[int] = set()  # by `lasting_port`


def lasting_port() -> int:
    """A free port that stays free while its server starts, or is down: the kernel gives none of these to outgoing connections,
    no other worker of the run takes it, and this process is given it once.
    """
    mine = _ports_of(os.environ.get("PYTEST_XDIST_WORKER", ""))
    while (port := secrets.choice(mine)) in _given or refusal(port):
        pass
    _given.add(port)
    return port


def _ports_of(worker: str) -> range:
    """Those of one worker, as `gw0`; without one, all."""
    number, many = worker.removeprefix("gw"), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return LASTING_PORTS[int(number) :: many] if number else LASTING_PORTS


def make_server(kind: Kind = "uvicorn", *, redis_url: str = "", **variables: str) -> Server:
    """A server on the test run's database that has not been started."""
    port = lasting_port()
    handle, log = tempfile.mkstemp(prefix=f"porchlight-{kind}-", suffix=".log")
    os.close(handle)
    own = {
        "PORCHLIGHT_BASE_HOST": f"localhost:{port}",
        "PORCHLIGHT_SCHEME": "http",
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "REDIS_URL": redis_url,
        "WORKER_IN_PROCESS": "0",
        "PYTHONUNBUFFERED": "1",
    }
    return Server(kind, port, Path(log), own | variables)


@contextmanager
def running(kind: Kind = "uvicorn", *, redis_url: str = "", command: Sequence[str] = (), **variables: str) -> Iterator[Server]:
    """A started server, stopped at the end of the block; `command` takes the place of the usual one."""
    server = make_server(kind, redis_url=redis_url, **variables)
    server.command = list(command) or server.command
    try:
        yield server.start()
    finally:
        if server.process.poll() is None:
            server.stop()
        server.log.unlink(missing_ok=True)
