"""What the servers stand on while they are measured: an empty Redis and an empty PostgreSQL, gone at the end."""

import contextlib
import os
import resource
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis

from bench.load import CannotMeasure
from bench.processes import ROOT
from saas.up.database import prepare
from saas.up.postgres import EmbeddedPostgres
from saas.up.redis import NoRedis, RedisServer

MANY_FILES = 65_536


# All limits are counted as always. Those of one address are raised, or set, so that they are no part of the tenant's, since the
# load of thousands comes from this one; and those of one tenant are raised, since the largest has all of it.
LIMITS = (
    "chat.send.ip=1000000/10 chat.send.tenant=1000000/10 chat.hello.ip=1000000/60 chat.hello.tenant=1000000/60 "
    "chat.join.ip=1000000/60 chat.join.tenant=1000000/60 chat.resume.ip=1000000/60 chat.resume.tenant=1000000/60 "
    "chat.history.ip=3000/60 chat.poll.ip=60000/60 http.ip=6000/60 "
    "chat.waiting.ip=20000/1 chat.waiting.tenant=20000/1 chat.waiting=20000/1"
)


@dataclass(frozen=True, slots=True)
class Services:
    """The running services, and for each side the environment of its programs and a migrated database of its own."""

    folder: Path
    ours: dict[str, str]  # the server adds the host that it serves
    peer: dict[str, str]
    redis_pid: int
    postgres_pid: int
    superuser_url: str  # of PostgreSQL, in the database of our side
    files: int  # how many each process may hold open, sockets included


@contextlib.contextmanager
def services(folder: Path) -> Iterator[Services]:
    """Both services until the block ends. Raises `CannotMeasure`."""
    postgres = EmbeddedPostgres(folder)
    try:
        with RedisServer() as redis_url, postgres.use() as superuser_url:
            postmaster = int((postgres.cluster / "postmaster.pid").read_text().split()[0])
            ours, peer = _ours(superuser_url, redis_url, folder), _peer(superuser_url, redis_url, folder)
            run([str(ROOT / "manage.py"), "migrate_tenants"], ours | {"DATABASE_AS_OWNER": "1"})
            run(["-m", "django", "migrate", "--run-syncdb"], peer)
            everything = superuser_url.rpartition("/")[0] + "/porchlight"
            yield Services(folder, ours, peer, _pid_of_redis(redis_url), postmaster, everything, allow_many_files())
    except NoRedis as error:
        raise CannotMeasure(str(error)) from None
    finally:
        postgres.wait_stopped()  # before its folder goes


def _ours(superuser_url: str, redis_url: str, folder: Path) -> dict[str, str]:
    urls = prepare(superuser_url, name="porchlight", secrets_file=folder / "secrets.json")
    return urls.environment() | {
        "DJANGO_SETTINGS_MODULE": "saas.settings",
        "SECRET_KEY": secrets.token_urlsafe(40),
        "REDIS_URL": redis_url,
        "DATA_DIR": str(folder),
        "PORCHLIGHT_DEVELOPMENT": "1",
        "PORCHLIGHT_SCHEME": "http",
        "LIMITS": LIMITS,
    }


def _peer(superuser_url: str, redis_url: str, folder: Path) -> dict[str, str]:
    urls = prepare(superuser_url, name="peer", secrets_file=folder / "secrets.json")
    return {"DJANGO_SETTINGS_MODULE": "bench.peers.settings", "PEER_DATABASE_URL": urls.owner, "REDIS_URL": redis_url}


def run(words: list[str], environment: dict[str, str]) -> str:
    """Run a Python program of ours to its end; what it printed. Raises `CannotMeasure`."""
    result = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise CannotMeasure(f"{' '.join(words)} failed:\n{result.stderr.strip()[-2000:]}")
    return result.stdout


def allow_many_files() -> int:
    """Raise the limit of open files for this process and those that it starts, as far as it goes. Returns the limit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # only root may raise the hard one, and not everywhere
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(most, MANY_FILES), max(most, MANY_FILES)))
        return max(most, MANY_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def _pid_of_redis(url: str) -> int:
    with contextlib.closing(redis.Redis.from_url(url)) as client:
        return int(client.info("server")["process_id"])
