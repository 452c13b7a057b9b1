"""`manage.py migrate_tenants`: only those that are behind, and one that fails does not stop the others."""

import psycopg
import pytest

from tenants.context import TenantRef
from tests.support import cluster
from tests.support.cast import MakeTenant

Superuser = psycopg.Connection[tuple[object, ...]]
LAST = "0012_fingerprints"  # of chat; what it made is what `is_whole` looks for


def go_back(superuser: Superuser, tenant: TenantRef) -> None:
    """Put a schema where it stood before its last migration."""
    superuser.execute(f"DELETE FROM {tenant.schema}.django_migrations WHERE app = 'chat' AND name = %s", [LAST])
    superuser.execute(f"DROP FUNCTION {tenant.schema}.forget_prints CASCADE")


def is_whole(superuser: Superuser, tenant: TenantRef) -> bool:
    return superuser.execute("SELECT to_regproc(%s)", [f"{tenant.schema}.forget_prints"]).fetchone() != (None,)


@pytest.mark.xdist_group("migrations")
def test_one_that_fails_is_named_and_the_others_are_migrated(make_tenant: MakeTenant, superuser: Superuser) -> None:
    broken, behind = make_tenant(), make_tenant()
    for tenant in (broken, behind):
        go_back(superuser, tenant)
    superuser.execute(f"ALTER SCHEMA {broken.schema} OWNER TO postgres")
    done = cluster.manage("migrate_tenants", check=False, DATABASE_AS_OWNER="1")
    superuser.execute(f"ALTER SCHEMA {broken.schema} OWNER TO porch_owner")
    assert done.returncode == 1
    assert broken.schema in done.stderr.splitlines()[-1]
    assert behind.schema not in done.stderr
    assert [is_whole(superuser, tenant) for tenant in (broken, behind)] == [False, True]

    cluster.manage("migrate_tenants", check=False, DATABASE_AS_OWNER="1")  # other tests break tenants of their own
    assert is_whole(superuser, broken)


def test_it_refuses_to_run_as_the_web() -> None:
    done = cluster.manage("migrate_tenants", check=False)
    assert done.returncode == 1
    assert "DATABASE_AS_OWNER=1" in done.stderr


def test_every_change_of_a_model_has_its_migration() -> None:
    done = cluster.manage("makemigrations", "--check", "--dry-run", "--skip-checks", check=False)
    assert done.returncode == 0, done.stdout
