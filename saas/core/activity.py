"""What the database and Redis say of themselves, for the page of live figures."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
import redis
from django.conf import settings
from redis.exceptions import RedisError

from saas.core.database import dsn

TIMEOUT: Final = 1.0  # seconds for each to answer
WAITS_FOR_US: Final = "Client"  # the kind of wait of a connection that has nothing to do
MB: Final = 1 << 20

# A login sees what its own connections do. So this asks as `porch_app` itself, which the web logs in as, before it becomes any
# role; of others, such as the owner's, it sees that they are there, but not even what kind of process they are.
SESSIONS: Final = """
SELECT coalesce(state, 'not ours'), wait_event_type, wait_event, count(*)::int,
    coalesce(max(extract(epoch FROM now() - xact_start)) FILTER (WHERE state <> 'idle'), 0)::float
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND (backend_type = 'client backend' OR (backend_type IS NULL AND usesysid IS NOT NULL))
GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Connections that do the same, and wait for the same."""

    state: str
    wait: str  # what for; empty for none, or only for us
    count: int
    oldest: float  # seconds that the oldest transaction among them is open

    @property
    def is_locked(self) -> bool:
        """Whether they wait for a lock that somebody else holds."""
        return self.wait.startswith("Lock")


@dataclass(frozen=True, slots=True)
class Database:
    """PostgreSQL, now."""

    most: int  # connections that it allows
    sessions: list[Sessions]

    @property
    def connections(self) -> int:
        return sum(one.count for one in self.sessions)

    @property
    def locked(self) -> int:
        return sum(one.count for one in self.sessions if one.is_locked)

    @property
    def oldest(self) -> float:
        """Seconds that the oldest transaction is open."""
        return max((one.oldest for one in self.sessions), default=0.0)


@dataclass(frozen=True, slots=True)
class RedisServer:
    """One Redis primary, now; with `error`, nothing else of it is known."""

    host: str
    memory: int = 0  # bytes
    most_memory: int = 0  # bytes that it may take; 0: no bound
    policy: str = ""  # what it does when they are taken
    clients: int = 0
    per_second: int = 0  # commands
    places: int = 0  # that somebody listens at
    evicted: int = 0
    error: str = ""


def database_now() -> Database | None:
    """None when it does not answer."""
    try:
        with psycopg.connect(dsn(), connect_timeout=2, autocommit=True, options="-c statement_timeout=1000") as connection:
            (most,) = connection.execute("SELECT current_setting('max_connections')::int").fetchone() or (0,)
            return Database(most, list(_sessions(connection.execute(SESSIONS).fetchall())))
    except psycopg.Error:
        return None


def _sessions(rows: Iterable[tuple[Any, ...]]) -> Iterable[Sessions]:
    for state, kind, event, count, oldest in rows:
        wait = f"{kind}: {event}" if kind and kind != WAITS_FOR_US else ""
        yield Sessions(state, wait, count, oldest)


def redis_now() -> list[RedisServer]:
    """Each primary; none where this process is the only one."""
    return [_server(url) for url in settings.REDIS_HOSTS]


def _server(url: str) -> RedisServer:
    parts = urlsplit(url)
    host = f"{parts.hostname}:{parts.port or 6379}"  # never its password
    try:
        with redis.Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT) as client:
            said: Any = client.info()
    except (RedisError, OSError) as error:
        return RedisServer(host, error=type(error).__name__)
    return RedisServer(
        host,
        memory=said.get("used_memory", 0),
        most_memory=said.get("maxmemory", 0),
        policy=said.get("maxmemory_policy", ""),
        clients=said.get("connected_clients", 0),
        per_second=said.get("instantaneous_ops_per_sec", 0),
        places=said.get("pubsub_channels", 0),
        evicted=said.get("evicted_keys", 0),
    )
