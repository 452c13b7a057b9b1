"""A schema with nobody in it, while an archive takes its place: shut, set aside, and at the end dropped or put back.

The web may not become the tenant's role meanwhile. What stood there keeps its rows and its role under other names, so that a
connection which holds that role already reaches neither the old tables by their names nor the new ones by its rights. Each step
is one transaction, and the database shows how far it came: what was cut off, even by the loss of the machine, is put back by the
next run.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from psycopg.errors import DeadlockDetected, LockNotAvailable

from tenants import one_at_a_time
from tenants.archive.manifest import BadArchive
from tenants.archive.schema import TABLES, Connection, connect, is_there
from tenants.postgresql.base import SCHEMA_NAME, role_of
from tenants.provisioning import OPEN_SQL, ROLE_SQL

log = logging.getLogger(__name__)

LOADING: Final = "an archive is being loaded"  # comment on the role of a schema that was not there before
TRIES: Final = 5
# Longer than any statement of the web may take, and than it may pause inside a transaction.
PATIENCE: Final = "SET LOCAL lock_timeout = '90s'"
SHUT: Final = "REVOKE {role} FROM porch_app"
RENAME: Final = "ALTER SCHEMA {schema} RENAME TO {other}; ALTER ROLE {role} RENAME TO {other_role}"
DROP: Final = "DROP SCHEMA IF EXISTS {schema} CASCADE; DROP ROLE IF EXISTS {role}"


@contextmanager
def alone() -> Iterator[Connection]:
    """A connection of the owner's, while nobody else restores, migrates or backs up.

    Raises BadArchive where somebody restores or migrates; waits for what is just being read for an archive.
    """
    with connect() as connection:
        connection.autocommit = True
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        if not one_at_a_time.be_alone_after_readers(connection, say=log.warning):
            raise BadArchive("tenants are being migrated or restored just now; try again when that is done")
        yield connection


def put_back(connection: Connection, schema: str) -> bool:
    """Everything as it was before `begin`, and the tenant open; whether anything had to be done for it."""
    with connection.transaction():
        connection.execute(PATIENCE)
        if is_there(connection, _aside(schema)):
            _run(connection, DROP, schema)
            _run(connection, RENAME, _aside(schema), schema)
        elif _is_loading(connection, schema):
            _run(connection, DROP, schema)
            return True
        elif not _is_shut(connection, schema):
            return False
        _run(connection, OPEN_SQL, schema)
    return True


def begin(connection: Connection, schema: str) -> None:
    """Nobody comes in from now on. There is a role in any case, to which what is loaded can be granted."""
    with connection.transaction():
        if not _has_role(connection, schema):
            _run(connection, ROLE_SQL, schema)
        if not is_there(connection, schema):
            _run(connection, f"COMMENT ON ROLE {{role}} IS '{LOADING}'", schema)
        _run(connection, SHUT, schema)
    if not _is_shut(connection, schema):
        raise RuntimeError(f"porch_app is still a member of {role_of(schema)}, by a grant that is not porch_owner's")


@contextmanager
def setting_aside(connection: Connection, schema: str) -> Iterator[None]:
    """Inside nobody writes any more, and what was written is there to be read. Afterwards the schema stands aside."""
    with connection.transaction():
        _hold_still(connection, schema)
        yield
        _run(connection, RENAME, schema, _aside(schema))
        _run(connection, ROLE_SQL, schema)


def finish(connection: Connection, schema: str) -> None:
    """In the transaction that is open: what stood there goes, and people come in again."""
    connection.execute(PATIENCE)
    _run(connection, DROP, _aside(schema))
    _run(connection, "COMMENT ON ROLE {role} IS NULL", schema)
    _run(connection, OPEN_SQL, schema)


def _hold_still(connection: Connection, schema: str) -> None:
    """Who was inside when it was shut may end; whoever waits for what we have here, as we for theirs, is waited for again."""
    names = [name for (name,) in connection.execute(TABLES, [schema]).fetchall()]
    connection.execute(PATIENCE)
    listed = ", ".join(f'{schema}."{name}"' for name in names)
    for attempt in range(1, TRIES + 1):
        try:
            with connection.transaction():
                connection.execute(f"LOCK TABLE {listed} IN SHARE MODE".encode())
            return
        except (DeadlockDetected, LockNotAvailable):
            if attempt == TRIES:
                raise


def _aside(schema: str) -> str:
    return f"{schema}_aside"


def _has_role(connection: Connection, schema: str) -> bool:
    return connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role_of(schema)]).fetchone() is not None


def _is_shut(connection: Connection, schema: str) -> bool:
    question = "SELECT FROM pg_roles WHERE rolname = %s AND NOT pg_has_role('porch_app', oid, 'SET')"
    return connection.execute(question, [role_of(schema)]).fetchone() is not None


def _is_loading(connection: Connection, schema: str) -> bool:
    question = "SELECT FROM pg_roles WHERE rolname = %s AND shobj_description(oid, 'pg_authid') = %s"
    return connection.execute(question, [role_of(schema), LOADING]).fetchone() is not None


def _run(connection: Connection, statements: str, schema: str, other: str = "") -> None:
    if not SCHEMA_NAME.fullmatch(schema):
        raise ValueError(f"{schema!r} is not a schema of ours")
    names = {"schema": schema, "role": role_of(schema), "other": other, "other_role": role_of(other)}
    connection.execute(statements.format(**names).encode())
