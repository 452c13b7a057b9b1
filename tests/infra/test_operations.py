"""docs/operations.md: the commands of its backups, run as they stand there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from saas.up.database import ROOT, prepare
from saas.up.postgres import EmbeddedPostgres

PAGE = (ROOT / "docs/operations.md").read_text()
CHAPTER = PAGE[PAGE.index("## Backup and restore") :]
BACK_UP, RESTORE, NEW_EPOCHS, BACK_UP_ONE, RESTORE_ONE = re.findall(r"^```sh\n(.*?)^```", CHAPTER, re.DOTALL | re.MULTILINE)
LINES = "SELECT seq, text FROM {schema}.chat_message ORDER BY seq"

Answers = list[tuple[Any, ...]]


class Installation:
    """A server of its own with a database, and the shell of who looks after it."""

    def __init__(self, folder: Path, backups: Path) -> None:
        self.folder, self.backups = folder, backups
        self.server = EmbeddedPostgres(folder)

    def start(self, url: str) -> None:
        self.url = url.removesuffix("postgres") + "porchlight"
        programs = self.server.programs.path("pg_dump").parent
        server = urlsplit(url)
        self.environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(programs), os.environ["PATH"]]),
            "PG_BIN": str(programs),
            "PGHOST": str(server.hostname),
            "PGPORT": str(server.port),
            "PGUSER": str(server.username),
            "PGPASSWORD": str(server.password),
            "BACKUPS": str(self.backups),
            "DATA_DIR": str(self.folder / "data"),
        }

    def set_up(self, url: str) -> None:
        """Roles, database, migrations: as a deployment makes them."""
        urls = prepare(url, name="porchlight", secrets_file=self.folder / "secrets.json")
        self.environment |= urls.environment()
        (self.folder / "data/files").mkdir(parents=True)

    def sh(self, commands: str) -> None:
        """Run what the page says."""
        words = ["sh", "-euc", commands]
        done = subprocess.run(words, cwd=ROOT, env=os.environ | self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"

    def ask(self, question: str) -> Answers:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(question).fetchall()


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("here")
    for part in (folder, folder.parent, folder.parent.parent):
        part.chmod(0o755)  # as root, the server's account must enter it
    yield from _started(Installation(folder, tmp_path_factory.mktemp("backups")))


@pytest.fixture
def other(place: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An empty server, which has heard of nothing; the backups reach it."""
    folder = tmp_path_factory.mktemp("there")
    folder.chmod(0o755)
    yield from _started(Installation(folder, place.backups))


def _started(installation: Installation) -> Iterator[Installation]:
    with installation.server.use() as url:
        installation.start(url)
        if installation.folder.name.startswith("here"):
            installation.set_up(url)
        yield installation
    installation.server.wait_stopped()


@pytest.fixture
def schema(place: Installation) -> str:
    """The tenant acme, in which something was said and a file was stored. Its schema."""
    words = [sys.executable, "manage.py", "shell", "--no-imports", "-c", MAKE]
    made = subprocess.run(words, cwd=ROOT, env=os.environ | place.environment, capture_output=True, text=True, check=True)
    return made.stdout.split()[-1]


MAKE = """
import subprocess, sys, os
subprocess.run([sys.executable, "manage.py", "migrate_tenants"], check=True, env=os.environ | {"DATABASE_AS_OWNER": "1"},
               stdout=subprocess.DEVNULL)
from saas.core import files
from tenants.models import User
from tenants.provisioning import create_tenant
from tests.support import talk
tenant = create_tenant(slug="acme", name="Acme", owner=User.objects.create(email="ada@acme.example", name="Ada"))
talk.room_of(tenant, talk.visitor(tenant), "hello", "is anybody there?")
files.put(tenant.id, b"a lamp")
print(tenant.schema)
"""


def test_all_of_it_comes_back_on_an_empty_server(place: Installation, other: Installation, schema: str) -> None:
    epochs = place.ask(f"SELECT id, epoch FROM {schema}.chat_room")
    place.sh(BACK_UP)
    other.sh(RESTORE)
    assert other.ask(LINES.format(schema=schema)) == [(1, "hello"), (2, "is anybody there?")]
    question = "SELECT count(*) FROM pg_auth_members WHERE member = 'porch_app'::regrole AND set_option"
    assert other.ask(question) == place.ask(question)  # whom the web may become
    stored = [file.read_bytes() for file in (other.folder / "data/files").rglob("*") if file.is_file()]
    assert stored == [b"a lamp"]
    assert other.ask(f"SELECT id, epoch FROM {schema}.chat_room") == epochs
    other.sh(NEW_EPOCHS)
    assert not set(other.ask(f"SELECT id, epoch FROM {schema}.chat_room")) & set(epochs)


def test_one_tenant_comes_back(place: Installation, schema: str) -> None:
    place.sh(BACK_UP_ONE)
    place.ask(f"DELETE FROM {schema}.chat_message WHERE seq = 2 RETURNING seq")
    place.sh(RESTORE_ONE)
    assert place.ask(LINES.format(schema=schema)) == [(1, "hello"), (2, "is anybody there?")]
