"""A database that may lose what was acknowledged, a login that may do too much, a pooler that mixes tenants."""

from typing import Any, Final, NamedTuple

import psycopg
from psycopg.rows import class_row

from saas.core.logins import address_of, no_answer, pooler_problems

OLDEST: Final = 18_00_00  # server_version_num

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


def database_problems(database: dict[str, Any]) -> list[str]:
    """Of the database that the server uses, as it is seen by the server's own login."""
    try:
        with psycopg.connect(**address_of(database), autocommit=True) as connection:
            found = look(connection)
            return [*_safety(found), *_login(found), *pooler_problems("DATABASE_URL", connection, database)]
    except psycopg.OperationalError as error:
        return [no_answer("DATABASE_URL", error)]


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
