"""`manage.py prepare_database`: from an administrator who is no superuser, as managed servers have, to a migrated database."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from saas.up.database import ROOT
from saas.up.postgres import EmbeddedPostgres

Address = Mapping[str, object]
PASSWORD = "of-the-administrator"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """A server of somebody else's, with an administrator."""
    folder = tmp_path_factory.mktemp("managed")
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder)
    with server.use() as superuser:
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute(f"create role admin login createrole createdb password '{PASSWORD}'")
        yield conninfo_to_dict(superuser)
    server.wait_stopped()


def manage(address: Address, command: str, *, app: str = "app", **variables: str) -> str:
    """What a command of manage.py says."""
    at = f"{address['host']}:{address['port']}/chat"
    given = {
        "SECRET_KEY": "of this test alone",
        "DATABASE_URL": f"postgresql://porch_app:{app}@{at}",
        "DATABASE_OWNER_URL": f"postgresql://porch_owner:owner@{at}",
        "PGHOST": str(address["host"]),
        "PGPORT": str(address["port"]),
        "PGUSER": "admin",
        "PGPASSWORD": PASSWORD,
    }
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_AS_OWNER"}
    done = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=ROOT,
        env=kept | given | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def connect(address: Address, user: str, password: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(host=str(address["host"]), port=str(address["port"]), dbname="chat", user=user, password=password)


@pytest.mark.xdist_group("managed")
def test_an_empty_server_becomes_one_that_can_be_migrated(address: Address) -> None:
    assert "chat is made" in manage(address, "prepare_database")
    assert manage(address, "migrate_tenants", DATABASE_AS_OWNER="1").startswith("0 tenants, 0 behind")
    with connect(address, "porch_app", "app") as connection:
        connection.execute("set role porch_platform")
        assert connection.execute("select count(*) from tenants_tenant").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("create schema mine")


@pytest.mark.xdist_group("managed")
def test_running_it_again_keeps_the_data_and_gives_new_passwords(address: Address) -> None:
    manage(address, "prepare_database")
    with connect(address, "porch_owner", "owner") as connection:
        connection.execute("create table if not exists kept (id int)")
    assert "chat was there" in manage(address, "prepare_database", app="another")
    with pytest.raises(psycopg.OperationalError):
        connect(address, "porch_app", "app")
    connect(address, "porch_app", "another").close()
    with connect(address, "porch_owner", "owner") as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (0,)
