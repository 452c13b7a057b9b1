"""Whether a login of the database fits its task, and whether its session stays its own."""

from contextlib import ExitStack
from typing import Any, Final

import psycopg

TRIES: Final = 3  # at finding the session of one connection behind another
OTHERS: Final = 2  # connections that take a session each, meanwhile
MARK: Final = "porchlight.session"


def address_of(database: dict[str, Any]) -> dict[str, Any]:
    """Django's settings of a database as psycopg's."""
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return {name: database[key] for name, key in names.items()} | {"connect_timeout": 5}


def owner_problems(database: dict[str, Any]) -> list[str]:
    """What speaks against this login as the owner of the schemas: servers make tenants by it, and commands run as it."""
    try:
        with psycopg.connect(**address_of(database), autocommit=True) as connection:
            return [*_of_owner(connection), *pooler_problems("DATABASE_OWNER_URL", connection, database)]
    except psycopg.OperationalError as error:
        return [no_answer("DATABASE_OWNER_URL", error)]


def no_answer(variable: str, error: psycopg.OperationalError) -> str:
    """The sentence on a database that is away, or lets nobody in."""
    return f"{variable}: the database does not answer: {str(error).strip().splitlines()[-1]}"


def _of_owner(connection: psycopg.Connection[Any]) -> list[str]:
    row = connection.execute("SELECT rolname, rolsuper FROM pg_roles WHERE rolname = session_user").fetchone()
    if row is None or not row[1]:
        return []
    return [
        f"DATABASE_OWNER_URL logs in as {row[0]}, a superuser: the functions that it makes for tenants would run as one; "
        "use porch_owner of cluster.sql"
    ]


def pooler_problems(variable: str, connection: psycopg.Connection[Any], database: dict[str, Any]) -> list[str]:
    """Whether something between hands one session to several connections, each for a transaction."""
    try:
        if all(_keeps_its_session(connection, database) for _ in range(TRIES)):
            return []
    except psycopg.OperationalError as error:
        return [f"{no_answer(variable, error)}; this look takes {1 + OTHERS} sessions at once, so a pooler must have as many"]
    return [
        f"{variable} leads to a pooler in transaction mode, which hands one's role, settings and locks to another; "
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
