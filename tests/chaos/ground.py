"""What the servers of a run stand on: a PostgreSQL and a Redis of their own, which may be killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis

from saas.up.database import ROOT, prepare
from saas.up.postgres import EmbeddedPostgres
from saas.up.redis import RedisServer
from tests.support.cluster import SETTINGS, manage
from tests.support.server import lasting_port

NAME = "chaos"


@dataclass
class Ground:
    """A cluster with a migrated database; `superuser` is the operator's address of it."""

    postgres: EmbeddedPostgres
    superuser: str
    variables: dict[str, str]

    def seed(self, slugs: list[str], *, agents: int, visitors: int) -> list[dict[str, Any]]:
        """New tenants with people and rooms, as `seed.py` describes them."""
        asked = json.dumps({"slugs": slugs, "agents": agents, "visitors": visitors})
        words = [sys.executable, "-m", "tests.chaos.seed", asked]
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": SETTINGS} | self.variables
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the tenants of the run could not be made:\n{done.stdout}{done.stderr}")
        made: list[dict[str, Any]] = json.loads(done.stdout.partition("MADE ")[2].splitlines()[0])
        return made

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """An operator's connection."""
        return psycopg.connect(self.superuser, autocommit=True, connect_timeout=5)

    def kill_database(self) -> int:
        """SIGKILL for the database's first process and all its children; the id of the first."""
        first = self._first()
        for pid in (first, *children_of(first)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return first

    def is_back(self, killed: int) -> bool:
        """Whether another first process answers."""
        with suppress(OSError, IndexError, ValueError, psycopg.OperationalError):
            if self._first() != killed:
                self.connect().close()
                return True
        return False

    def _first(self) -> int:
        return int((self.postgres.cluster / "postmaster.pid").read_text().split()[0])


@dataclass
class Redis:
    """A Redis that is killed, frozen, emptied and replaced by an empty one."""

    server: RedisServer = field(default_factory=lambda: RedisServer(lasting_port()))
    port: int = 0

    def start(self) -> "Redis":
        """Start it. Raises `NoRedis` where there is no program for it."""
        self.port = urlsplit(self.server.__enter__()).port or 0
        return self

    def kill(self) -> None:
        self.server.kill()

    def signal(self, number: signal.Signals) -> None:
        """For SIGSTOP and SIGCONT."""
        self.server._process.send_signal(number)

    def replace(self) -> None:
        """Another, empty one on the same port, after `kill`."""
        self.server.__exit__()
        self.server = RedisServer(self.port)
        self.server.__enter__()

    def command(self, *words: str) -> None:
        """Ask it something over a connection of one's own."""
        with redis.Redis(port=self.port, socket_timeout=5) as client:
            client.execute_command(*words)

    def stop(self) -> None:
        self.server.__exit__()


@contextmanager
def ground() -> Iterator[Ground]:
    """A new cluster, gone at the end with all its files."""
    folder = Path(tempfile.mkdtemp(prefix="porchlight-chaos-"))
    folder.chmod(0o755)  # as root, the server's account must enter it
    postgres = EmbeddedPostgres(folder)
    try:
        with postgres.use() as superuser:
            urls = prepare(superuser, name=NAME, secrets_file=folder / "secrets.json")
            manage("migrate_tenants", check=True, DATABASE_AS_OWNER="1", **urls.environment())
            yield Ground(postgres, superuser.removesuffix("postgres") + NAME, urls.environment())
        postgres.wait_stopped()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if postgres.home != folder / "postgres":
            shutil.rmtree(postgres.home, ignore_errors=True)


def children_of(parent: int) -> list[int]:
    """The processes whose parent this is. Linux."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            head, _, tail = path.read_text().rpartition(")")
            if int(tail.split()[1]) == parent:
                found.append(int(head.split()[0]))
    return found
