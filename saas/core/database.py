"""The database for code that speaks to it without Django's connections: its address, and PostgreSQL's own programs."""

import os
from shutil import which
from typing import Final

from django.conf import settings
from psycopg.conninfo import make_conninfo

# For a session that holds a lock for as long as it lives: the server notices within 20 s, and not after hours, that who opened it
# has vanished with the machine or the network.
SEEN_TO_VANISH: Final = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2"


class NoProgram(Exception):
    """A program of PostgreSQL is not installed; the sentence says where it was looked for."""


def dsn(alias: str = "default") -> str:
    """The connection string of an alias. The web's login role, `porch_app`, holds nothing until it takes a role."""
    database = settings.DATABASES[alias]
    return make_conninfo(
        host=database["HOST"],
        port=database["PORT"],
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"],
    )


def environment(alias: str) -> dict[str, str]:
    """The same for PostgreSQL's own programs, beside our own variables: what stands in a command line everybody can read."""
    database = settings.DATABASES[alias]
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGDATABASE": "NAME", "PGUSER": "USER", "PGPASSWORD": "PASSWORD"}
    return os.environ | {variable: database[name] for variable, name in names.items()}


def program(name: str) -> str:
    """The path of `pg_dump` and the like: in the folder that PG_BIN names, or the installed one. Raises NoProgram.

    It must not be older than the server.
    """
    path = os.pathsep.join([os.environ.get("PG_BIN", ""), os.environ.get("PATH", "")])
    if found := which(name, path=path):
        return found
    raise NoProgram(f"there is no {name} in PATH, nor in the folder that PG_BIN names")
