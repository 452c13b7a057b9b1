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

from saas.up.database import CLUSTER_SQL, ROOT, prepare
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
        """Roles and database, and the folder of files as image and units make it: as a deployment begins."""
        urls = prepare(url, name="porchlight", secrets_file=self.folder / "secrets.json")
        self.environment |= urls.environment()
        (self.folder / "data/files").mkdir(parents=True)

    def set_up_by_compose(self) -> None:
        """What a new volume of compose.yaml's database has."""
        passwords = {"PORCH_APP_PASSWORD": "new-app", "PORCH_OWNER_PASSWORD": "new-owner", "CLUSTER_SQL": str(CLUSTER_SQL)}
        words = ["/bin/sh", str(ROOT / "infra/compose/postgres.sh")]
        subprocess.run(words, env=self.environment | passwords, check=True)

    def sh(self, commands: str) -> None:
        """Run what the page says, as it is written."""
        words = ["sh", "-c", commands]
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


@pytest.fixture(params=["empty", "compose"])
def other(
    request: pytest.FixtureRequest, place: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """A new server, which has heard of no tenant; the backups reach it."""
    folder = tmp_path_factory.mktemp("there")
    folder.chmod(0o755)
    for installation in _started(Installation(folder, place.backups)):
        if request.param == "compose":
            installation.set_up_by_compose()
        yield installation


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


MEMBERS = "SELECT count(*) FROM pg_auth_members WHERE member = 'porch_app'::regrole AND set_option"  # whom the web may become
# Who may connect to it, whose it is, and in which order it puts words.
DATABASE = """
    SELECT ARRAY(SELECT unnest(datacl)::text ORDER BY 1), datdba::regrole::text, datlocprovider::text, datlocale
    FROM pg_database WHERE datname = 'porchlight'
"""


def test_all_of_it_comes_back_on_a_new_server(place: Installation, other: Installation, schema: str) -> None:
    epochs = place.ask(f"SELECT id, epoch FROM {schema}.chat_room")
    place.sh(BACK_UP)
    told = max(place.ask(f"UPDATE {schema}.chat_room SET rev = rev + 50 RETURNING rev"))[0]  # as it is said after the backup
    other.sh(RESTORE)
    assert other.ask(LINES.format(schema=schema)) == [(1, "hello"), (2, "is anybody there?")]
    for question in (MEMBERS, DATABASE):
        assert other.ask(question) == place.ask(question)
    assert not [right for right in other.ask(DATABASE)[0][0] if right.startswith("=")]  # of everybody
    login = urlsplit(place.environment["DATABASE_URL"])
    with psycopg.connect(other.url, user=login.username, password=login.password) as web:
        web.execute("SET ROLE porch_platform")
    stored = [file.read_bytes() for file in (other.folder / "data/files").rglob("*") if file.is_file()]
    assert stored == [b"a lamp"]
    assert other.ask(f"SELECT id, epoch FROM {schema}.chat_room") == epochs
    other.sh(NEW_EPOCHS)
    assert not set(other.ask(f"SELECT id, epoch FROM {schema}.chat_room")) & set(epochs)
    assert other.ask(f"SELECT min(rev) > {told} FROM {schema}.chat_room") == [(True,)]


def test_all_of_it_comes_back_where_it_was(place: Installation, schema: str) -> None:
    """And what stood there is set aside; a second time it is in the way, and nothing is lost."""
    place.sh(BACK_UP)
    place.ask(f"DELETE FROM {schema}.chat_message WHERE seq = 2 RETURNING seq")
    place.sh(RESTORE)
    assert place.ask(LINES.format(schema=schema)) == [(1, "hello"), (2, "is anybody there?")]
    with psycopg.connect(f"{place.url}_before") as before:
        assert before.execute(LINES.format(schema=schema).encode()).fetchall() == [(1, "hello")]
    with pytest.raises(AssertionError, match='database "porchlight_before" already exists'):
        place.sh(RESTORE)
    assert place.ask(LINES.format(schema=schema)) == [(1, "hello"), (2, "is anybody there?")]


def test_nothing_is_set_aside_under_a_server_that_serves(place: Installation) -> None:
    place.sh(BACK_UP)
    with psycopg.connect(place.url), pytest.raises(AssertionError, match="is being accessed by other users"):
        place.sh(RESTORE)


def test_where_nobody_has_uploaded_anything_there_is_a_folder_to_keep(place: Installation) -> None:
    """The image's, and each unit's; without it the backup would be one of the wrong folder."""
    place.sh(BACK_UP)
    assert (place.backups / "files.tar").is_file()
    image = (ROOT / "Dockerfile").read_text()
    assert re.search(r"install -d -o 10001 -g 10001 .*/var/lib/porchlight/files$", image, re.MULTILINE)
    for unit in (ROOT / "infra/systemd").glob("*.service"):
        assert "\nStateDirectory=porchlight porchlight/files\n" in unit.read_text()
    (place.folder / "data/files").rmdir()
    with pytest.raises(AssertionError, match="files: Cannot stat"):
        place.sh(BACK_UP)


def test_where_files_are_in_a_bucket_no_folder_is_asked_for(place: Installation) -> None:
    place.environment |= {"FILES_BUCKET": "files", "DATA_DIR": "/nowhere"}
    place.sh(BACK_UP)
    place.sh(RESTORE)
    assert not (place.backups / "files.tar").exists()


@pytest.mark.parametrize("program", ["pg_dumpall", "pg_dump", "sed"])
def test_a_backup_of_which_a_part_fails_does_not_look_whole(place: Installation, tmp_path: Path, program: str) -> None:
    """Without the roles nobody could come in; a file without any would pass for one that has them."""
    (tmp_path / program).write_text("#!/bin/sh\necho this part fails >&2\nexit 1\n")
    (tmp_path / program).chmod(0o755)
    place.environment["PATH"] = os.pathsep.join([str(tmp_path), place.environment["PATH"]])
    with pytest.raises(AssertionError, match="this part fails"):
        place.sh(BACK_UP)
    assert not (place.backups / "porchlight.dump").exists()


@pytest.mark.parametrize("commands", [RESTORE, NEW_EPOCHS], ids=["restore", "new epochs"])
def test_what_does_not_reach_the_database_fails(place: Installation, commands: str) -> None:
    place.sh(BACK_UP)
    place.environment["PGPORT"] = "1"
    with pytest.raises(AssertionError, match="failed: Connection refused"):
        place.sh(commands)


def test_what_is_kept_is_nobody_elses_to_read(place: Installation) -> None:
    """There are hashes of passwords in it."""
    place.sh(BACK_UP)
    assert {file.stat().st_mode & 0o077 for file in place.backups.iterdir()} == {0}


def test_one_tenant_comes_back(place: Installation, schema: str) -> None:
    place.sh(BACK_UP_ONE)
    place.ask(f"DELETE FROM {schema}.chat_message WHERE seq = 2 RETURNING seq")
    place.sh(RESTORE_ONE)
    assert place.ask(LINES.format(schema=schema)) == [(1, "hello"), (2, "is anybody there?")]


def test_of_several_archives_the_newest_of_exactly_this_tenant_comes_back(place: Installation, schema: str) -> None:
    """Of two of it, beside one of a tenant whose name begins in the same way: neither of the others is an archive at all."""
    for other in ("acme-20200101T000000Z.tar", "acme-shop-20990101T000000Z.tar", "acme-2-20990101T000000Z.tar"):
        (place.backups / other).write_bytes(b"another")
    (place.backups / "acme-20990101T000000Z.tar.replaced").write_bytes(b"another")
    place.sh(BACK_UP_ONE)
    place.ask(f"DELETE FROM {schema}.chat_message WHERE seq = 2 RETURNING seq")
    place.sh(RESTORE_ONE)
    assert place.ask(LINES.format(schema=schema)) == [(1, "hello"), (2, "is anybody there?")]


def test_where_there_is_no_archive_of_this_tenant_nothing_is_restored(place: Installation, schema: str) -> None:
    (place.backups / "acme-shop-20990101T000000Z.tar").write_bytes(b"another")
    with pytest.raises(AssertionError, match=r"acme-\S+\.tar is not an archive of a tenant"):
        place.sh(RESTORE_ONE)
