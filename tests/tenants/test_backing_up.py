"""Archives of many tenants: one that fails stops none of the others, and nobody migrates or restores what is just being read."""

from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from saas.core.database import dsn
from tenants import archive
from tenants.archive import making, replacing
from tenants.archive.schema import content_of, dump
from tenants.context import TenantRef
from tenants.one_at_a_time import CHANGED, ONE_AT_A_TIME
from tests.support import talk
from tests.support.archives import back_up, restore
from tests.support.cast import MakeTenant
from tests.support.waiting import until_waited_for

WRITTEN_ANEW = "ALTER TABLE {schema}.chat_message ADD COLUMN mark uuid DEFAULT gen_random_uuid()"


@pytest.fixture
def spoken(tenant: TenantRef) -> TenantRef:
    """A tenant in which two lines were said."""
    talk.room_of(tenant, talk.visitor(tenant), "hello", "is anybody there?")
    return tenant


@pytest.mark.parametrize("error", [psycopg.errors.QueryCanceled("too long"), ValueError("not a UUID")])
def test_one_that_fails_is_named_and_the_others_are_written(
    make_tenant: MakeTenant, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    first, bad, last = sorted((make_tenant() for _ in range(3)), key=lambda one: one.slug)

    def fail(connection: Any, schema: str) -> Any:
        if schema == bad.schema:
            raise error
        return content_of(connection, schema)

    monkeypatch.setattr(making, "content_of", fail)
    settings.AS_OWNER, said = True, StringIO()
    with pytest.raises(CommandError, match=f"no archive of {bad.slug}$"):
        call_command("backup_tenant", first.slug, bad.slug, last.slug, to=tmp_path, stdout=StringIO(), stderr=said)
    assert said.getvalue().strip() == f"{bad.slug}: {type(error).__name__}: {error}"
    assert sorted(file.name.partition("-2")[0] for file in tmp_path.iterdir()) == [first.slug, last.slug]


def test_no_migration_comes_between_the_snapshot_and_what_is_read(
    spoken: TenantRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written anew then looks empty in the snapshot: the archive would say that it is whole, with nothing in it."""

    def migrate_first(schema: str, **words: Any) -> None:
        with psycopg.connect(dsn("owner"), autocommit=True) as other:
            if other.execute("SELECT pg_try_advisory_lock(%s)", [ONE_AT_A_TIME]).fetchone() == (True,):
                other.execute(WRITTEN_ANEW.format(schema=schema).encode())
        dump(schema, **words)

    monkeypatch.setattr(making, "dump", migrate_first)
    assert archive.back_up(spoken, tmp_path / "archive.tar").tables["chat_message"].rows == 2


def test_a_migration_that_runs_is_waited_for_in_words(
    spoken: TenantRef, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(dsn("owner"), autocommit=True) as other, ThreadPoolExecutor(1) as thread:
        other.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
        made = thread.submit(archive.back_up, spoken, tmp_path / "archive.tar")
        until_waited_for(other, made)
        other.execute(WRITTEN_ANEW.format(schema=spoken.schema).encode())
        other.execute("SELECT pg_advisory_unlock(%s)", [ONE_AT_A_TIME])
        manifest = made.result()
    assert manifest.tables["chat_message"].rows == 2
    assert [record.getMessage() for record in caplog.records if record.name == making.__name__] == [CHANGED]


def test_several_are_backed_up_at_once(spoken: TenantRef, tmp_path: Path) -> None:
    with psycopg.connect(dsn("owner"), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock_shared(%s)", [ONE_AT_A_TIME])
        back_up(spoken, tmp_path)


def test_who_restores_waits_for_what_is_being_read(spoken: TenantRef, tmp_path: Path) -> None:
    made = back_up(spoken, tmp_path)
    with psycopg.connect(dsn("owner"), autocommit=True) as other, ThreadPoolExecutor(1) as thread:
        other.execute("SELECT pg_advisory_lock_shared(%s)", [ONE_AT_A_TIME])
        done = thread.submit(restore, made, "--replace")
        until_waited_for(other, done)
        other.execute("SELECT pg_advisory_unlock_shared(%s)", [ONE_AT_A_TIME])
        assert done.result().returncode == 0, done.result().stderr
    with replacing.alone():  # and nothing is held any more
        pass
