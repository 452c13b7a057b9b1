"""A tenant's schema out of the database and back, by PostgreSQL's own programs, as the owner of the schemas."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections
from psycopg import sql

from saas.core.database import dsn, environment, program
from tenants.archive.manifest import BadArchive, Content
from tenants.provisioning import OWNER

Connection = psycopg.Connection[tuple[Any, ...]]

TABLES = "SELECT c.relname FROM pg_class c WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r' ORDER BY 1"
# The sum does not ask in which order rows lie, and needs no memory for them.
CONTENT = """
    SELECT count(*), coalesce(sum(('x' || left(md5(one::text), 16))::bit(64)::bigint::numeric), 0)::text FROM {table} one
"""
PLAIN = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET extra_float_digits = 1; SET bytea_output = 'hex'"


def connect() -> Connection:
    """A connection of the owner's, on which a row reads the same whatever the server's settings are."""
    connection = psycopg.connect(dsn(OWNER))
    connection.execute(PLAIN)
    connection.commit()
    return connection


def content_of(connection: Connection, schema: str) -> dict[str, Content]:
    """What each table of a schema holds."""
    names = [name for (name,) in connection.execute(TABLES, [schema]).fetchall()]
    return {name: _content(connection, schema, name) for name in names}


def migrations_of(connection: Connection, schema: str) -> list[str]:
    """Those that it has had, as app.name; none if it is not there."""
    row = connection.execute("SELECT applied FROM public.migrations_of(%s)", [[schema]]).fetchone()
    return sorted(row[0]) if row else []


def is_there(connection: Connection, schema: str) -> bool:
    """Whether the database has such a schema."""
    return connection.execute("SELECT FROM pg_namespace WHERE nspname = %s", [schema]).fetchone() is not None


def dump(schema: str, *, snapshot: str, to: Path) -> None:
    """Everything in the schema, as of the exported snapshot. Raises RuntimeError with what pg_dump says, and NoProgram."""
    words = ["--format=custom", f"--schema={schema}", "--no-owner", f"--snapshot={snapshot}", f"--file={to}"]
    _run("pg_dump", words)


def load(*, dumped: Path) -> None:
    """The schema, whose role must be there, in one transaction. Raises RuntimeError with what pg_restore says."""
    words = ["--single-transaction", "--exit-on-error", "--no-owner", f"--dbname={connections[OWNER].settings_dict['NAME']}"]
    _run("pg_restore", [*words, str(dumped)])


def refuse_other_content(found: dict[str, Content], expected: dict[str, Content]) -> None:
    """Raise BadArchive, naming each table that does not hold what it held."""
    wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    if wrong:
        raise BadArchive(f"after loading, these tables do not hold what they held: {', '.join(wrong)}")


def _content(connection: Connection, schema: str, name: str) -> Content:
    row = connection.execute(sql.SQL(CONTENT).format(table=sql.Identifier(schema, name))).fetchone()
    assert row is not None  # an aggregate
    return Content(rows=row[0], prints=row[1])


def _run(name: str, words: Sequence[str]) -> None:
    words = [program(name), *words]
    done = subprocess.run(words, env=environment(OWNER), capture_output=True, text=True, check=False)  # noqa: S603  # no shell
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip()}")
