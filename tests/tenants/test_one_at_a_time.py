"""Who waits for those who migrate, restore or read for an archive: in words, and in nobody's way."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from saas.core.database import dsn
from tenants.archive.schema import connect
from tenants.context import TenantRef
from tenants.one_at_a_time import CHANGED, ONE_AT_A_TIME, READ, WAIT_MS, be_alone, be_alone_after_readers, read
from tenants.schemas import LOCK_TIMEOUT
from tests.support.waiting import until_waited_for


def wait_to_read() -> list[str]:
    """Read, once nobody migrates; what is said before."""
    said: list[str] = []
    with connect() as connection:
        read(connection, say=said.append)
    return said


def test_an_index_that_is_built_concurrently_does_not_wait_for_who_waits_for_its_migration(tenant: TenantRef) -> None:
    """It waits for all who hold a snapshot, in another process than the one that holds the lock: nobody would see a deadlock."""
    with psycopg.connect(dsn("owner"), autocommit=True) as other, ThreadPoolExecutor(1) as thread:
        other.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
        waits = thread.submit(wait_to_read)
        until_waited_for(other, waits)
        with psycopg.connect(dsn("owner"), autocommit=True) as process:
            process.execute("SET lock_timeout = '30s'")  # longer than a migration's own, so that no stall of the machine decides
            process.execute(f"CREATE INDEX CONCURRENTLY mark ON {tenant.schema}.chat_message (text)".encode())
        assert not waits.done()
        other.execute("SELECT pg_advisory_unlock(%s)", [ONE_AT_A_TIME])
        assert waits.result() == [CHANGED]
    assert (LOCK_TIMEOUT, WAIT_MS < 3_000) == ("3s", True), "who waits has a snapshot for less time than a migration waits"


def test_who_migrates_waits_for_who_reads_and_for_who_migrates_and_says_which() -> None:
    said: list[str] = []
    for function in ("pg_advisory_lock_shared", "pg_advisory_lock"):
        with psycopg.connect(dsn("owner"), autocommit=True) as other, connect() as connection, ThreadPoolExecutor(1) as thread:
            other.execute(f"SELECT {function}(%s)".encode(), [ONE_AT_A_TIME])
            waits = thread.submit(be_alone, connection, say=said.append)
            until_waited_for(other, waits)
            other.execute("SELECT pg_advisory_unlock_all()")
            waits.result()
    assert said == [READ, CHANGED]


def test_nobody_else_comes_in_until_the_connection_ends() -> None:
    said: list[str] = []
    with connect() as connection, connect() as other:
        be_alone(connection, say=said.append)
        assert not be_alone_after_readers(other, say=pytest.fail)
        connection.close()
        be_alone(other, say=said.append)


def test_the_database_soon_hears_that_who_reads_has_vanished() -> None:
    """With the machine: what others may not do meanwhile would be forbidden for hours."""
    said: list[str] = []
    with connect() as connection:
        read(connection, say=said.append)
        names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
        assert [connection.execute(f"SHOW {name}".encode()).fetchone() for name in names] == [("10",), ("5",), ("2",)]
