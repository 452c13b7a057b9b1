"""`manage.py prepare_database`: the two logins and the database, on a server that somebody else runs."""

from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from psycopg import sql

import tenants.postgresql

CLUSTER_SQL = Path(tenants.postgresql.__file__).parent / "cluster.sql"
ONE_AT_A_TIME = 0x706F726368  # advisory lock
# The same order of words on every machine, whatever the server's own is.
CREATE = sql.SQL(
    "create database {} owner {} template template0 encoding 'UTF8' "
    "locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'C'"
)


class Command(BaseCommand):
    """Makes what DATABASE_URL and DATABASE_OWNER_URL name, with the passwords that stand there. Safe to run again, and the way to
    give the logins new passwords. The administrator's login, who need not be a superuser but may make roles and databases,
    comes by PostgreSQL's own variables: PGHOST, PGUSER, PGPASSWORD.
    """

    help = "Makes the two logins and the database, as the administrator that PGHOST, PGUSER and PGPASSWORD name."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.AS_OWNER:
            raise CommandError("run it without DATABASE_AS_OWNER: it reads both logins, and is neither")
        app, owner = settings.DATABASES["default"], settings.DATABASES["owner"]
        with psycopg.connect("", dbname="postgres", autocommit=True) as connection:
            connection.execute("select pg_advisory_lock(%s)", [ONE_AT_A_TIME])
            connection.execute(CLUSTER_SQL.read_bytes())
            for login in (app, owner):
                _set_password(connection, role=login["USER"], password=login["PASSWORD"])
            made = _make_database(connection, name=owner["NAME"], owner=owner["USER"])
        self.stdout.write(f"{app['USER']} and {owner['USER']} have their passwords; {owner['NAME']} {made}")


def _set_password(connection: psycopg.Connection[Any], *, role: str, password: str) -> None:
    """As its verifier, so that no log of the server's holds it."""
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(role), verifier))


def _make_database(connection: psycopg.Connection[Any], *, name: str, owner: str) -> str:
    if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
        return "was there"
    # Who gives a database away must be able to become the one who gets it.
    connection.execute(sql.SQL("grant {} to current_user with set true, inherit false").format(sql.Identifier(owner)))
    connection.execute(CREATE.format(sql.Identifier(name), sql.Identifier(owner)))
    return "is made"
