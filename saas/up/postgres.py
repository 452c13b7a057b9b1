"""The embedded PostgreSQL: one server for any number of processes; the last one out stops it.

Every user of the server holds a shared lock on a file, which the kernel drops however the process ends. A detached keeper
(`saas/up/keeper.py`) is the server's parent: it restarts a server that died, and stops it when nobody holds that lock.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psycopg

from saas.up.programs import CannotStart, Programs

START_TIMEOUT = 30.0  # seconds; recovery after a crash included
LOG_LIMIT = 10_000_000  # bytes; a longer log is begun anew with the keeper


class EmbeddedPostgres:
    """A PostgreSQL cluster under `data_dir/postgres`; `home` is where it really is."""

    def __init__(self, data_dir: Path | str) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.programs = Programs(self.data_dir / "postgres")
        self.home = self.programs.home
        self.cluster = self.home / "cluster"
        self.log = self.home / "postgres.log"

    @contextlib.contextmanager
    def use(self) -> Iterator[str]:
        """Start the server or join it; yields the superuser's URL. The server stops after its last user has left.

        Raises `CannotStart`.
        """
        with contextlib.ExitStack() as locks:
            with self.lock_file("start.lock") as start:  # one starter at a time
                fcntl.flock(start, fcntl.LOCK_EX)
                users = locks.enter_context(self.lock_file("users.lock"))
                fcntl.flock(users, fcntl.LOCK_SH)  # waits for a keeper that is just stopping the server
                if not self.cluster.exists():
                    self._initialise()
                self._await_server()
            yield self.dsn()

    def dsn(self) -> str:
        """The superuser's URL of a server that runs or ran."""
        password, port = (self.home / "password").read_text(), (self.home / "port").read_text()
        return f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"

    def is_alive(self) -> bool:
        """True if our own server answers: our port, our password, our data folder."""
        with contextlib.suppress(OSError, psycopg.Error), psycopg.connect(self.dsn(), connect_timeout=2) as connection:
            row = connection.execute("show data_directory").fetchone()
            return row is not None and row[0] == str(self.cluster)
        return False

    def wait_stopped(self, timeout: float = START_TIMEOUT) -> bool:
        """Wait until no keeper is left; False after `timeout` seconds."""
        end = time.monotonic() + timeout
        while self._is_locked("keeper.lock"):
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def lock_file(self, name: str) -> IO[bytes]:
        """Open a file of the home folder to be locked. A child process does not inherit it."""
        return open(self.home / name, "ab", opener=private)

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there whole, so that a crash leaves none or a good one."""
        if self.home != self.programs.wanted:
            print(f"PostgreSQL's data is in {self.home}: the account that runs it cannot enter {self.programs.wanted}")
        new, secret_file, secret = self.home / "cluster.new", self.home / "password.tmp", secrets.token_urlsafe(24)
        shutil.rmtree(new, ignore_errors=True)
        try:
            new.mkdir(mode=0o700)
            write_private(secret_file, secret)
            self.programs.give(new, secret_file)
            auth = ("-U", "postgres", "--auth=scram-sha-256", f"--pwfile={secret_file}")
            locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8", "-E", "UTF8")
            result = self.programs.run(self.programs.path("initdb"), "-D", new, *auth, *locale)
        finally:
            secret_file.unlink(missing_ok=True)
        if result.returncode:
            raise CannotStart(f"initdb failed in {new}: {result.stderr.strip()}")
        write_private(self.home / "password", secret)
        new.rename(self.cluster)

    def _start_keeper(self) -> subprocess.Popen[bytes]:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.unlink()
        with open(self.log, "ab", opener=private) as out:
            return subprocess.Popen(
                [sys.executable, "-m", "saas.up.keeper", str(self.data_dir)],
                cwd=Path(__file__).resolve().parents[2],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,  # a terminal's Ctrl-C is for the users, not for the keeper
            )

    def _await_server(self) -> None:
        """Wait for the server, with a keeper of our own unless somebody else's holds the place."""
        end = time.monotonic() + START_TIMEOUT
        keeper = None if self._is_locked("keeper.lock") else self._start_keeper()
        while not self.is_alive():
            if time.monotonic() > end or (keeper and keeper.poll()):
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])
                raise CannotStart(f"PostgreSQL did not start; the end of {self.log}:\n{tail}")
            # Asked again and again: the one that holds the place may be about to leave.
            if (keeper is None or keeper.poll() == 0) and not self._is_locked("keeper.lock"):
                keeper = self._start_keeper()
            time.sleep(0.03)

    def _is_locked(self, name: str) -> bool:
        with self.lock_file(name) as file:
            return not try_lock(file)


def try_lock(file: IO[bytes]) -> bool:
    """Take the exclusive lock if nobody holds any."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def private(path: str, flags: int) -> int:
    """An opener for files that only their owner reads."""
    return os.open(path, flags, 0o600)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    partial = path.with_name(path.name + ".part")
    with open(partial, "w", opener=private) as file:
        file.write(text)
    partial.rename(path)
