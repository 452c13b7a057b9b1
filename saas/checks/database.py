"""A database that may lose what was acknowledged, a login that may do too much, a pooler that mixes tenants."""

from contextlib import ExitStack
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.rows import class_row

OLDEST: Final = 18_00_00  # server_version_num
TRIES: Final = 3  # at finding the session of one connection behind another
OTHERS: Final = 2  # connections that take a session each, meanwhile
MARK: Final = "porchlight.session"

LOOK: Final = """
SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS version_name,
  current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
  current_setting('full_page_writes') AS full_page_writes, session_user::text AS role,
  r.rolsuper AS is_superuser, r.rolcreaterole OR r.rolbypassrls AS is_mighty, r.rolinherit AS inherits,
  pg_has_role(session_user, d.datdba, 'MEMBER') AS is_owner
FROM pg_roles r, pg_database d WHERE r.rolname = session_user AND d.datname = current_database()
"""


class Found(NamedTuple):
    """What the server says of itself and of the login."""

    version: int
    version_name: str
    fsync: str
    synchronous_commit: str
    full_page_writes: str
    role: str
    is_superuser: bool
    is_mighty: bool
    inherits: bool
    is_owner: bool


def address_of(database: dict[str, Any]) -> dict[str, Any]:
    """Django's settings of a database as psycopg's."""
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return {name: database[key] for name, key in names.items()} | {"connect_timeout": 5}


def database_problems(database: dict[str, Any]) -> list[str]:
    """Of the database that the server uses, as it is seen by the server's own login."""
    try:
        with psycopg.connect(**address_of(database), autocommit=True) as connection:
            found = look(connection)
            return [*_safety(found), *_login(found), *_pooler(connection, database)]
    except psycopg.OperationalError as error:
        return [f"DATABASE_URL: the database does not answer: {str(error).strip().splitlines()[-1]}"]


def look(connection: psycopg.Connection[Any]) -> Found:
    """What this connection's server and login are."""
    found = connection.cursor(row_factory=class_row(Found)).execute(LOOK).fetchone()
    assert found is not None  # the login and the database that it is in are there
    return found


def _safety(found: Found) -> list[str]:
    said = []
    if found.version < OLDEST:
        said.append(f"PostgreSQL is {found.version_name}; before 18 it does not report its search_path, which tenants rely on")
    off = {"fsync": found.fsync, "synchronous_commit": found.synchronous_commit, "full_page_writes": found.full_page_writes}
    said += [f"PostgreSQL has {name} off: what was acknowledged could be lost; set it on" for name in off if off[name] == "off"]
    return said


def _login(found: Found) -> list[str]:
    name, way_out = (
        f"DATABASE_URL logs in as {found.role}",
        "nothing would part the tenants; use porch_app of cluster.sql",
    )
    if found.is_superuser:
        return [f"{name}, a superuser: {way_out}"]
    said = []
    if found.is_owner:
        said.append(f"{name}, which owns the database: {way_out}")
    if found.is_mighty:
        said.append(f"{name}, which may make roles or look past row security; take that from it")
    if found.inherits and not found.is_owner:
        said.append(f"{name}, which holds at once what its roles may do: ALTER ROLE {found.role} NOINHERIT")
    return said


def _pooler(connection: psycopg.Connection[Any], database: dict[str, Any]) -> list[str]:
    if all(_keeps_its_session(connection, database) for _ in range(TRIES)):
        return []
    return [
        "DATABASE_URL leads to a pooler in transaction mode, which hands one tenant's role to another; "
        "use session mode or the database itself"
    ]


def _keeps_its_session(connection: psycopg.Connection[Any], database: dict[str, Any]) -> bool:
    """Whether what is set on a connection is still there after others have come, each with a transaction of its own.

    A pooler in transaction mode lends the session that was used last to who comes next, so that this one gets another.
    """
    before = _session(connection, mark=True)
    with ExitStack() as stack:
        for _ in range(OTHERS):
            other = stack.enter_context(psycopg.connect(**address_of(database)))
            if _session(other) == before:  # its transaction stays open
                return False
        return _session(connection) == before


def _session(connection: psycopg.Connection[Any], *, mark: bool = False) -> tuple[int, str]:
    """The server process behind a connection, and the mark that was set there."""
    if mark:
        connection.execute(f"SELECT set_config('{MARK}', gen_random_uuid()::text, false)")
    row = connection.execute(f"SELECT pg_backend_pid(), coalesce(current_setting('{MARK}', true), '')").fetchone()
    assert row is not None
    return row[0], row[1]
