"""Who migrates schemas, or puts an archive in the place of one, is alone. Those who read one for an archive share.

Nobody waits for long in one statement. A statement that waits holds a snapshot, and an index that is built concurrently waits
until all snapshots from before it have gone. A migration's would wait for a backup that waits for the migration, and PostgreSQL
would see no deadlock: another process holds the lock than the one that builds. So whoever waits begins anew every two seconds.
Only to ask again now and then would not do: while one backup follows the other, the moment between two would hardly ever be met.
"""

from collections.abc import Callable
from typing import Any, Final

import psycopg
from psycopg.errors import LockNotAvailable

from saas.core.database import SEEN_TO_VANISH

ONE_AT_A_TIME: Final = 0x6D69677261  # advisory lock, waited for in no statement that lasts: see above
WAIT_MS: Final = 2_000  # in one statement; less than a migration waits for a lock (`LOCK_TIMEOUT`)
CHANGED: Final = "Tenants are being migrated or restored: this goes on when that is done"
READ: Final = "A tenant is being backed up: this goes on when its part of the database has been read"

Connection = psycopg.Connection[Any]
Say = Callable[[str], object]  # told once what is waited for, before


def be_alone(connection: Connection, *, say: Say) -> None:
    """Nobody else migrates, restores or reads from now on, until the connection ends."""
    if not be_alone_after_readers(connection, say=say):
        say(CHANGED)
        _wait(connection, "pg_advisory_lock")


def be_alone_after_readers(connection: Connection, *, say: Say) -> bool:
    """The same where nobody migrates or restores just now; whether it is so. Waits for those who read."""
    if _locks(connection, "pg_try_advisory_lock"):
        return True
    if not _locks(connection, "pg_try_advisory_lock_shared"):
        return False
    _locks(connection, "pg_advisory_unlock_shared")
    say(READ)
    _wait(connection, "pg_advisory_lock")
    return True


def read(connection: Connection, *, say: Say) -> None:
    """Nobody migrates or restores from now on, until the connection ends. Others may read."""
    if not _locks(connection, "pg_try_advisory_lock_shared"):
        say(CHANGED)
        _wait(connection, "pg_advisory_lock_shared")


def _wait(connection: Connection, function: str) -> None:
    while True:
        try:
            _locks(connection, function)
            return
        except LockNotAvailable:
            continue


def _locks(connection: Connection, function: str) -> bool:
    """Call one of PostgreSQL's functions on the lock; whether it says that it was done. Raises LockNotAvailable."""
    with connection.transaction():  # which ends here: a snapshot that is taken later is of later
        connection.execute(f"{SEEN_TO_VANISH}; SET LOCAL lock_timeout = {WAIT_MS}; SET LOCAL statement_timeout = 0".encode())
        return connection.execute(f"SELECT {function}(%s)".encode(), [ONE_AT_A_TIME]).fetchone() == (True,)
