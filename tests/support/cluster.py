"""A PostgreSQL of the test run's own: made before Django reads its settings, gone after the last test.

Under xdist the controller makes it, and each worker has a copy of its database to itself. Tests use it as the web does: as
`porch_app`.
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import psycopg
from psycopg import sql

from saas.up.database import ROOT, prepare
from saas.up.postgres import EmbeddedPostgres

DATABASE_SQL = ROOT / "tenants/postgresql/database.sql"
SETTINGS = "tests.support.settings"
# The server's files are deleted at the end, whatever happens, so that they need not outlive the machine, and nobody copies them.
IN_A_HURRY = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",  # the rows of a table that is as new as its transaction are written once
    "max_wal_senders": "0",
    "checkpoint_timeout": "1h",
    "scram_iterations": "1",  # of passwords that are set from then on
}
URLS = ("DATABASE_URL", "DATABASE_OWNER_URL", "TEST_SUPERUSER_URL")
ONE_AT_A_TIME = 0x7465737473  # advisory lock: a database is copied while nobody else copies it

_running = ExitStack()


def begin() -> None:
    """Start the server, migrate one database, and put what the settings read into the environment."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        _copy_database(f"tests_{worker}")
        return
    folder = Path(tempfile.mkdtemp(prefix="porchlight-tests-"))
    folder.chmod(0o755)  # as root, the server's account must enter it
    _running.callback(shutil.rmtree, folder, ignore_errors=True)
    server = EmbeddedPostgres(folder)
    if server.home != folder / "postgres":
        _running.callback(shutil.rmtree, server.home, ignore_errors=True)
    _running.callback(server.wait_stopped)
    _hurry(server)
    superuser = _running.enter_context(server.use())
    urls = prepare(superuser, name="tests", secrets_file=folder / "secrets.json")
    os.environ["PG_BIN"] = str(server.programs.path("pg_dump").parent)
    os.environ.update(
        _environment(folder) | urls.environment() | {"TEST_SUPERUSER_URL": superuser.removesuffix("postgres") + "tests"}
    )
    for part in ("static", "files"):
        Path(os.environ["DATA_DIR"], part).mkdir(parents=True)
    migrate()


def _hurry(server: EmbeddedPostgres) -> None:
    """Have the server take less trouble from its next start on."""
    with server.use() as superuser, psycopg.connect(superuser, autocommit=True) as connection:
        for name, value in IN_A_HURRY.items():
            connection.execute(sql.SQL("alter system set {} = {}").format(sql.Identifier(name), value))
    server.wait_stopped()


def end() -> None:
    """Stop the server and delete its files."""
    _running.close()


def _copy_database(name: str) -> None:
    """Make this worker's copy, and put its address in the place of the one that the controller migrated."""
    with psycopg.connect(_database_url("TEST_SUPERUSER_URL", "postgres"), autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", [ONE_AT_A_TIME])
        connection.execute(sql.SQL("create database {} template tests owner porch_owner").format(sql.Identifier(name)))
    urls = {variable: _database_url(variable, name) for variable in URLS}
    os.environ.update(urls | {"DJANGO_SETTINGS_MODULE": SETTINGS})
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as connection:
        connection.execute(DATABASE_SQL.read_bytes())  # who may connect is not copied


def _database_url(variable: str, name: str) -> str:
    return f"{os.environ[variable].rpartition('/')[0]}/{name}"


def migrate() -> subprocess.CompletedProcess[str]:
    """`manage.py migrate_tenants` on the test database; its output."""
    return manage("migrate_tenants", DATABASE_AS_OWNER="1")


def manage(*words: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command of manage.py in a process of its own."""
    command = [sys.executable, str(ROOT / "manage.py"), *words]
    done = subprocess.run(
        command, env=os.environ | {"DJANGO_SETTINGS_MODULE": SETTINGS} | variables, capture_output=True, text=True, check=False
    )
    if check and done.returncode:
        raise RuntimeError(f"{words} failed:\n{done.stdout}{done.stderr}")
    return done


def _environment(folder: Path) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "SECRET_KEY": secrets.token_urlsafe(40),
        "DATA_DIR": str(folder / "data"),
        "PORCHLIGHT_DEVELOPMENT": "1",
        "PORCHLIGHT_SCHEME": "http",
        "PORCHLIGHT_BASE_HOST": "localhost:8000",
        "PORCHLIGHT_DEMO": "1",
        "REDIS_URL": "",
    }
