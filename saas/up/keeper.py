"""The keeper: parent of the embedded PostgreSQL for as long as anyone uses it. Started by `saas/up/postgres.py`."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from saas.up.postgres import EmbeddedPostgres, private, try_lock, write_private
from saas.up.programs import ENVIRONMENT

POLL = 0.1  # seconds between two looks
STOP_TIMEOUT = 30.0  # seconds for a fast stop, then an immediate one
MAX_FAILED_STARTS = 5  # in a row; a server that was ready once has not failed to start, however it died
PORTS = range(20_000, 32_000)  # below the ports that systems lend to outgoing connections, so that ours stays free
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a path may be too long for a socket
    "shared_buffers": "128MB",
    "max_connections": "100",
    "max_locks_per_transaction": "256",  # a schema is some dozens of relations, and migrating or dropping one locks them all
    "max_parallel_workers_per_gather": "0",  # short queries only; shared memory is 64 MB in a container
    "jit": "off",
}


class Orphan:
    """A server whose keeper was killed. It is not our child, so it is watched by its number."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def send_signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def poll(self) -> int | None:
        """0 once it has ended, also when nobody has reaped it."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 0
        with contextlib.suppress(OSError):  # no /proc on some systems
            if Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return 0
        return None

    def wait(self, timeout: float) -> int:
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("postgres", timeout)
            time.sleep(POLL)
        return 0


class Keeper:
    """Starts, restarts and stops the server of one data folder."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self.postgres = postgres

    def run(self) -> int:
        """Keep the server until nobody uses it or a signal comes; the exit status."""
        stop: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda received, _frame: stop.append(received))
        with self.postgres.lock_file("users.lock") as users, self.postgres.lock_file("keeper.lock") as mine:
            if not try_lock(mine):
                return 0
            return self._keep(lambda: bool(stop) or try_lock(users))

    def _keep(self, is_over: Callable[[], bool]) -> int:
        server, failed = self._adopt() or self._spawn(), 0
        while not is_over():
            if self._is_ready(server):
                failed = 0
            if server.poll() is not None:
                failed += 1
                if failed > MAX_FAILED_STARTS:
                    return 1
                time.sleep(0.2 * failed)
                server = self._spawn()
            time.sleep(POLL)
        return _stop(server)

    def _is_ready(self, server: Orphan | subprocess.Popen[bytes]) -> bool:
        """Whether this very server has said that it takes connections."""
        with contextlib.suppress(OSError, IndexError):
            words = (self.postgres.cluster / "postmaster.pid").read_text().split()
            return words[0] == str(server.pid) and words[-1] == "ready"
        return False

    def _adopt(self) -> Orphan | None:
        if not self.postgres.is_alive():
            return None
        return Orphan(int((self.postgres.cluster / "postmaster.pid").read_text().split()[0]))

    def _spawn(self) -> subprocess.Popen[bytes]:
        program = self.postgres.programs.path("postgres")
        options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        words = [str(program), "-D", str(self.postgres.cluster), "-p", str(self._port()), *options]
        with open(self.postgres.log, "ab", opener=private) as out:
            return subprocess.Popen(
                words,
                env=ENVIRONMENT,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                **self.postgres.programs.drop,
            )

    def _port(self) -> int:
        """The port of last time, so that clients find a restarted server; another one only if somebody took it."""
        kept = self.postgres.home / "port"
        if kept.exists() and _is_free(port := int(kept.read_text())):
            return port
        port = next(port for port in random.sample(PORTS, len(PORTS)) if _is_free(port))
        write_private(kept, str(port))
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does: old connections do not matter
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _stop(server: Orphan | subprocess.Popen[bytes]) -> int:
    server.send_signal(signal.SIGINT)  # fast: sessions are cut, a checkpoint is written
    try:
        server.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        server.wait(STOP_TIMEOUT)
    return 0


if __name__ == "__main__":
    sys.exit(Keeper(EmbeddedPostgres(sys.argv[1])).run())
