"""Roles and a database on a server of which we are the superuser.

`python -m saas.up.database template` makes tenants/postgresql/template.sql anew, on a server of its own.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from saas.up.postgres import EmbeddedPostgres, write_private

ROOT = Path(__file__).resolve().parents[2]
CLUSTER_SQL = ROOT / "tenants/postgresql/cluster.sql"
LOGINS = ("porch_app", "porch_owner")
ONE_AT_A_TIME = 0x706F726368  # advisory lock: two starts must not alter the same role at once


@dataclass(frozen=True, slots=True)
class Urls:
    """The two logins of one database: DATABASE_URL and DATABASE_OWNER_URL."""

    app: str
    owner: str

    def environment(self) -> dict[str, str]:
        """The variables that `saas/settings.py` reads."""
        return {"DATABASE_URL": self.app, "DATABASE_OWNER_URL": self.owner}


def prepare(superuser_url: str, *, name: str, secrets_file: Path) -> Urls:
    """Make the roles and the database `name` unless they exist; the URLs to use it by.

    The passwords are in `secrets_file` (JSON, readable by its owner only; other keys in it are kept), made at first use.
    """
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", [ONE_AT_A_TIME])
        connection.execute("set client_min_messages = warning")
        connection.execute(CLUSTER_SQL.read_bytes())
        passwords = _passwords(secrets_file)
        for role in LOGINS:
            connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(role), passwords[role]))
        if not connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            connection.execute(sql.SQL("create database {} owner porch_owner").format(sql.Identifier(name)))
    app, owner = (_url(superuser_url, role, passwords[role], name) for role in LOGINS)
    return Urls(app=app, owner=owner)


def _passwords(file: Path) -> dict[str, str]:
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    missing = {role: secrets.token_urlsafe(24) for role in LOGINS if role not in known}
    if missing:
        known |= missing
        write_private(file, json.dumps(known, indent=1) + "\n")
    return known


def _url(superuser_url: str, user: str, password: str, name: str) -> str:
    server = urlsplit(superuser_url)
    return urlunsplit(server._replace(netloc=f"{user}:{password}@{server.netloc.rpartition('@')[2]}", path=f"/{name}"))


def make_template() -> None:
    """Migrate an empty database on a throw-away server and dump the schema of a new tenant from it."""
    with tempfile.TemporaryDirectory(prefix="porchlight-template-") as folder:
        Path(folder).chmod(0o755)  # as root, the server's account must enter it
        server = EmbeddedPostgres(folder)
        with server.use() as url:
            urls = prepare(url, name="porchlight", secrets_file=Path(folder) / "secrets.json")
            programs = server.programs.path("pg_dump").parent
            for command in ("migrate_tenants", "dump_template"):
                _manage(command, urls.environment() | {"PG_BIN": str(programs)})
        server.wait_stopped()


def _manage(command: str, variables: dict[str, str]) -> None:
    environment = os.environ | variables | {"DATABASE_AS_OWNER": "1"}
    environment.setdefault("SECRET_KEY", secrets.token_urlsafe(40))
    subprocess.run([sys.executable, ROOT / "manage.py", command], env=environment, check=True)


if __name__ == "__main__":
    if sys.argv[1:] != ["template"]:
        sys.exit("usage: python -m saas.up.database template")
    make_template()
