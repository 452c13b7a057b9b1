"""Work on another thread or in another process that waits for what a connection holds in the database."""

import time
from concurrent.futures import Future
from typing import Any, Final

import psycopg

WAITING: Final = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"


def until_waited_for(other: psycopg.Connection[Any], work: Future[Any]) -> None:
    """Until this work waits for what the connection holds; it must not end before."""
    deadline = time.monotonic() + 60  # a process has to start first
    while other.execute(WAITING).fetchone() == (0,):
        assert not work.done(), work.result()
        assert time.monotonic() < deadline, "nobody waits for the lock"
        time.sleep(0.01)
