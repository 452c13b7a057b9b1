"""The one place of a server that has no Redis: two of them would not hear each other, and nobody would notice."""

from typing import Any, Final

import psycopg

from saas.checks.database import address_of

PLACE: Final = 0x706F7263685F31  # advisory lock
WAIT_MS: Final = 30_000  # for one that is draining

_held: list[psycopg.Connection[Any]] = []  # for as long as this process lives


def hold_the_place(database: dict[str, Any]) -> list[str]:
    """Take the place, over a connection that is kept; what speaks against it.

    The database looks every ten seconds whether a holder is still there, so that a host that vanished does not keep it.
    """
    connection = psycopg.connect(**address_of(database), autocommit=True)
    connection.execute("SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2")
    connection.execute(f"SET lock_timeout = {WAIT_MS}; SET statement_timeout = 0")
    try:
        connection.execute("SELECT pg_advisory_lock(%s)", [PLACE])
    except psycopg.errors.LockNotAvailable:
        connection.close()
        return ["another server without Redis serves from this database; they hear each other through REDIS_URL only; set it"]
    _held.append(connection)
    return []
