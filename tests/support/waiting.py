"""Work on another thread or in another process that waits for what a connection holds in the database."""

from concurrent.futures import Future
from typing import Any, Final

import psycopg

from tests.support.order import until

WAITING: Final = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"


def until_waited_for(other: psycopg.Connection[Any], work: Future[Any]) -> None:
    """Until this work waits for what the connection holds; it must not end before."""

    def is_waited_for() -> bool:
        assert not work.done(), work.result()
        return other.execute(WAITING).fetchone() != (0,)

    until(is_waited_for, "nobody waits for the lock", seconds=60)  # a process has to start first
