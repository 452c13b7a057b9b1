"""`manage.py migrate_tenants`: only those that are behind, several at a time, and one that fails does not stop the others."""

import asyncio
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from saas.core.database import dsn
from tenants import jobs
from tenants.context import TenantRef
from tenants.jobs import migrate_late
from tenants.migrating import FEW, late
from tenants.models import Tenant
from tenants.one_at_a_time import ONE_AT_A_TIME, READ
from tests.support import cluster
from tests.support.cast import MakeTenant
from tests.support.waiting import until_waited_for

Superuser = psycopg.Connection[tuple[object, ...]]
FROM = "0015_last_minute"  # of chat, and those behind it; what it made is what `is_whole` looks for

pytestmark = pytest.mark.xdist_group("migrations")


def go_back(superuser: Superuser, *tenants: TenantRef) -> None:
    """Put schemas where they stood before their last migrations."""
    for tenant in tenants:
        superuser.execute(f"DELETE FROM {tenant.schema}.django_migrations WHERE app = 'chat' AND name >= %s", [FROM])
        superuser.execute(f"ALTER TABLE {tenant.schema}.chat_room DROP COLUMN last_minute")
        superuser.execute(f"CREATE INDEX room_newest_first ON {tenant.schema}.chat_room (last_at)")


def is_whole(superuser: Superuser, tenant: TenantRef) -> bool:
    question = "SELECT FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'last_minute' AND NOT attisdropped"
    return superuser.execute(question, [f"{tenant.schema}.chat_room"]).fetchone() is not None


def migrate(*words: str) -> subprocess.CompletedProcess[str]:
    return cluster.manage("migrate_tenants", *words, check=False, DATABASE_AS_OWNER="1")


@contextmanager
def reading() -> Iterator[psycopg.Connection[Any]]:
    """A connection that holds what a backup does while it reads."""
    with psycopg.connect(dsn("owner"), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock_shared(%s)", [ONE_AT_A_TIME])
        yield other


@contextmanager
def broken(superuser: Superuser, tenant: TenantRef) -> Iterator[None]:
    """The owner may not change its schema meanwhile."""
    superuser.execute(f"ALTER SCHEMA {tenant.schema} OWNER TO postgres")
    try:
        yield
    finally:
        superuser.execute(f"ALTER SCHEMA {tenant.schema} OWNER TO porch_owner")
        migrate()  # other tests break tenants of their own


@pytest.mark.parametrize("behind", [1, FEW + 2], ids=["here", "in several processes"])
def test_one_that_fails_is_named_and_the_others_are_migrated(behind: int, make_tenant: MakeTenant, superuser: Superuser) -> None:
    bad, *others = [make_tenant() for _ in range(behind + 1)]
    go_back(superuser, bad, *others)
    with broken(superuser, bad):
        done = migrate("--jobs", "2")
        assert done.returncode == 1
        assert bad.schema in done.stderr.splitlines()[-1]
        assert not any(tenant.schema in done.stderr for tenant in others)
        assert [is_whole(superuser, tenant) for tenant in (bad, *others)] == [False] + [True] * behind
    assert is_whole(superuser, bad)


def test_where_those_to_try_it_on_fail_the_others_are_left_alone(make_tenant: MakeTenant, superuser: Superuser) -> None:
    canary, other = make_tenant(), make_tenant()
    go_back(superuser, canary, other)
    with broken(superuser, canary):
        done = migrate("--first", canary.slug)
        assert done.returncode == 1
        assert "left alone" in done.stderr.splitlines()[-1]
        assert not is_whole(superuser, other)
    assert is_whole(superuser, other)


def test_it_says_where_they_stand_and_changes_nothing(make_tenant: MakeTenant, superuser: Superuser) -> None:
    tenant = make_tenant()
    go_back(superuser, tenant)
    said = migrate("--list").stdout
    assert f"behind: {tenant.slug} ({tenant.schema}), at chat 0014_hours_and_tags" in said
    assert not is_whole(superuser, tenant)
    migrate()
    assert tenant.slug not in migrate("--list").stdout


def test_which_are_behind_is_one_question(make_tenant: MakeTenant, superuser: Superuser) -> None:
    """Those of a schema that is not there or not ours to read are none, and stop nobody."""
    tenant = make_tenant()
    question = "SELECT schema, 'chat.' || %s = ANY (applied) FROM public.migrations_of(%s)"
    assert superuser.execute(question, [FROM, [tenant.schema, "t_nowhere", "pg_catalog"]]).fetchall() == [(tenant.schema, True)]


def test_what_is_being_read_for_an_archive_is_waited_for_in_words(make_tenant: MakeTenant, superuser: Superuser) -> None:
    tenant = make_tenant()
    go_back(superuser, tenant)
    with reading() as other, ThreadPoolExecutor(1) as thread:
        done = thread.submit(migrate)
        until_waited_for(other, done)
        assert not is_whole(superuser, tenant)
        other.execute("SELECT pg_advisory_unlock_shared(%s)", [ONE_AT_A_TIME])
        assert done.result().returncode == 0, done.result().stderr
    assert READ in done.result().stderr
    assert is_whole(superuser, tenant)


class TestLate:
    """Tenants that a process of the release before made during an upgrade, after `migrate_tenants` had listed them."""

    def test_they_are_found_and_migrated_without_anybody(self, make_tenant: MakeTenant, superuser: Superuser) -> None:
        tenant = make_tenant()
        go_back(superuser, tenant)
        asyncio.run(migrate_late(0))
        assert is_whole(superuser, tenant)

    def test_one_that_fails_is_named(
        self, make_tenant: MakeTenant, superuser: Superuser, caplog: pytest.LogCaptureFixture
    ) -> None:
        tenant = make_tenant()
        go_back(superuser, tenant)
        superuser.execute(f"ALTER TABLE {tenant.schema}.chat_room OWNER TO postgres")
        asyncio.run(migrate_late(0))
        superuser.execute(f"ALTER TABLE {tenant.schema}.chat_room OWNER TO porch_owner")
        migrate()
        assert [record.levelname for record in caplog.records if tenant.schema in record.getMessage()] == ["ERROR"]

    def test_what_is_being_read_for_an_archive_is_waited_for(self, make_tenant: MakeTenant, superuser: Superuser) -> None:
        tenant = make_tenant()
        go_back(superuser, tenant)
        with reading() as other, ThreadPoolExecutor(1) as thread:
            done = thread.submit(migrate, "--late")
            until_waited_for(other, done)
            other.execute("SELECT pg_advisory_unlock_shared(%s)", [ONE_AT_A_TIME])
            assert done.result().returncode == 0, done.result().stderr
        assert is_whole(superuser, tenant)

    def test_beside_somebody_who_migrates_it_does_nothing_and_says_nothing(
        self, make_tenant: MakeTenant, superuser: Superuser, caplog: pytest.LogCaptureFixture
    ) -> None:
        tenant = make_tenant()
        go_back(superuser, tenant)
        with psycopg.connect(dsn("owner"), autocommit=True) as other:
            other.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
            asyncio.run(migrate_late(0))
        assert not is_whole(superuser, tenant)
        assert [record.getMessage() for record in caplog.records if record.name == jobs.__name__] == []
        migrate()

    def test_where_nobody_is_behind_it_is_one_question(self, make_tenant: MakeTenant, monkeypatch: pytest.MonkeyPatch) -> None:
        make_tenant()
        with CaptureQueriesContext(connections["owner"]) as asked:
            assert late(using="owner") == []
        assert len(asked) == 1
        monkeypatch.setattr(asyncio, "create_subprocess_exec", None)  # there is nothing to begin
        asyncio.run(migrate_late(0))

    def test_who_was_behind_before_is_left_to_people(self, make_tenant: MakeTenant, superuser: Superuser) -> None:
        """What failed in the upgrade is not tried again each minute for ever."""
        tenant = make_tenant()
        go_back(superuser, tenant)
        Tenant.objects.filter(id=tenant.id).update(created_at=timezone.now() - timedelta(days=2))
        assert late(using="owner") == []
        migrate()

    def test_nobody_is_touched_before_the_template(self, make_tenant: MakeTenant, superuser: Superuser) -> None:
        """A new worker beside an installation that was not migrated yet."""
        tenant = make_tenant()
        go_back(superuser, tenant)
        superuser.execute("DELETE FROM t_template.django_migrations WHERE app = 'chat' AND name = %s", [FROM])
        try:
            assert migrate("--late").returncode == 0
            assert not is_whole(superuser, tenant)
        finally:
            superuser.execute("INSERT INTO t_template.django_migrations (app, name, applied) VALUES ('chat', %s, now())", [FROM])
            migrate()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [(["--first", "nobody"], "there is no tenant nobody"), (["--jobs", "0"], "'0' is not a number of processes")],
)
def test_what_is_asked_for_wrongly_is_named(words: list[str], complaint: str) -> None:
    done = migrate(*words)
    assert done.returncode != 0
    assert complaint in done.stderr


def test_it_refuses_to_run_as_the_web() -> None:
    done = cluster.manage("migrate_tenants", check=False)
    assert done.returncode == 1
    assert "DATABASE_AS_OWNER=1" in done.stderr


def test_every_change_of_a_model_has_its_migration() -> None:
    done = cluster.manage("makemigrations", "--check", "--dry-run", "--skip-checks", check=False)
    assert done.returncode == 0, done.stdout
