"""A new tenant: whole or not at all, the same as a migrated one, many at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connections, transaction
from pytest_django import Settings

from chat.models import Site
from saas.core import registry
from tenants.context import TenantRef, in_tenant
from tenants.models import Domain, Membership, User
from tenants.postgresql.base import role_of
from tenants.provisioning import OWNER, TEMPLATE_SQL, create_tenant, make_schema
from tenants.resolve import tenant_for_host
from tenants.schemas import TEMPLATE
from tests.support.cast import MakeTenant, make_user

Superuser = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def usual_plan() -> str:
    """As a tenant is made: nobody gives it anything."""
    return "free"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> registry.Hook:
    """The hook `tenant_created` with no answers but those of the test."""
    hook = registry.Hook("tenant_created")
    monkeypatch.setattr(registry, "tenant_created", hook)
    return hook


def traces(superuser: Superuser, schema: str) -> tuple[int, int, int]:
    """Rows, schemas and roles of this name."""
    counts = superuser.execute(
        """SELECT (SELECT count(*) FROM tenants_tenant WHERE schema_name = %(schema)s),
                  (SELECT count(*) FROM pg_namespace WHERE nspname = %(schema)s),
                  (SELECT count(*) FROM pg_roles WHERE rolname = 'r_' || %(schema)s)""",
        {"schema": schema},
    ).fetchone()
    assert counts is not None
    return counts  # type: ignore[return-value]


def test_a_new_tenant_is_whole(make_tenant: MakeTenant, superuser: Superuser) -> None:
    owner = make_user(f"{uuid4().hex}@olga.example", "Olga")
    tenant = make_tenant(f"new{uuid4().hex[:8]}", owner=owner)
    assert traces(superuser, tenant.schema) == (1, 1, 1)
    assert Domain.objects.get(tenant_id=tenant.id).domain == f"{tenant.slug}.localhost"
    assert Membership.objects.get(tenant_id=tenant.id).role == "owner"
    assert tenant_for_host(f"{tenant.slug}.localhost:8000") == tenant


def test_the_hosts_absence_is_forgotten(make_tenant: MakeTenant) -> None:
    slug = f"soon{uuid4().hex[:8]}"
    assert tenant_for_host(f"{slug}.localhost") is None
    assert tenant_for_host(f"{slug}.localhost") is None
    made = make_tenant(slug)
    assert tenant_for_host(f"{slug}.localhost") == made


def test_answers_work_inside_the_transaction(answers: registry.Hook, make_tenant: MakeTenant) -> None:
    def first_site(*, tenant: TenantRef, owner: User) -> None:
        with in_tenant(tenant), transaction.atomic():
            Site.objects.create(name=f"Site of {owner.name}")

    answers.fill(first_site)
    with in_tenant(make_tenant()):
        assert [site.name for site in Site.objects.all()] == ["Site of Olga"]


def test_a_failing_answer_leaves_nothing(answers: registry.Hook, make_tenant: MakeTenant, superuser: Superuser) -> None:
    seen: list[TenantRef] = []

    def fail(*, tenant: TenantRef, owner: User) -> None:
        seen.append(tenant)
        raise ZeroDivisionError

    answers.fill(fail)
    with pytest.raises(ZeroDivisionError):
        make_tenant()
    assert traces(superuser, seen[0].schema) == (0, 0, 0)


def test_a_failing_script_leaves_nothing(make_tenant: MakeTenant, superuser: Superuser, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = f"t_{uuid4().hex}"
    monkeypatch.setattr("tenants.provisioning.schema_for", lambda _id: schema)
    monkeypatch.setattr("tenants.provisioning._template", lambda: "CREATE SCHEMA @@SCHEMA@@;\nSELECT 1 / 0;")
    with pytest.raises(Exception, match="division by zero"):
        make_tenant()
    assert traces(superuser, schema) == (0, 0, 0)


def test_a_script_without_the_line_after_which_privileges_are_given_makes_nothing(
    make_tenant: MakeTenant, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else there would be a tenant whose role can touch none of its tables."""
    schema, script = f"t_{uuid4().hex}", TEMPLATE_SQL.read_text()
    other = script.replace("CREATE SCHEMA @@SCHEMA@@;", "CREATE SCHEMA IF NOT EXISTS @@SCHEMA@@;")
    assert other != script
    monkeypatch.setattr("tenants.provisioning.schema_for", lambda _id: schema)
    monkeypatch.setattr("tenants.provisioning._template", lambda: other)
    with pytest.raises(ValueError, match="does not say 'CREATE SCHEMA @@SCHEMA@@;' on a line of its own"):
        make_tenant()
    assert traces(superuser, schema) == (0, 0, 0)


@pytest.fixture
def dumped(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Run `dump_template` where pg_dump says this; where the script is kept."""
    here, kept = "tenants.management.commands.dump_template", tmp_path / "template.sql"
    settings.AS_OWNER = True
    monkeypatch.setattr(f"{here}._applied_migrations", str)
    monkeypatch.setattr(f"{here}.TEMPLATE_SQL", kept)

    def dump(said: str) -> Path:
        monkeypatch.setattr(f"{here}.subprocess.run", lambda *_, **__: SimpleNamespace(returncode=0, stdout=said))
        call_command("dump_template")
        return kept

    return dump


def test_a_dump_with_that_line_is_kept(dumped: Callable[[str], Path]) -> None:
    assert dumped(f"CREATE SCHEMA {TEMPLATE};\n").read_text().endswith("CREATE SCHEMA @@SCHEMA@@;\n")


def test_a_dump_without_it_is_not(dumped: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="on a line of its own"):
        dumped(f"CREATE SCHEMA IF NOT EXISTS {TEMPLATE};\n")
    assert list(tmp_path.iterdir()) == []


LACKING = """
WITH needed (relkind, privilege) AS (
    VALUES ('r'::"char", 'SELECT'), ('r', 'INSERT'), ('r', 'UPDATE'), ('r', 'DELETE'), ('S', 'USAGE'), ('S', 'SELECT')
)
SELECT c.relname, privilege FROM pg_class c JOIN needed USING (relkind)
WHERE c.relnamespace = %(schema)s::regnamespace AND c.relname NOT LIKE 'django_migrations%%' AND NOT CASE relkind
    WHEN 'r' THEN has_table_privilege(%(role)s, c.oid, privilege) ELSE has_sequence_privilege(%(role)s, c.oid, privilege) END
UNION ALL SELECT p.proname, 'EXECUTE' FROM pg_proc p
WHERE p.pronamespace = %(schema)s::regnamespace
    AND NOT EXISTS (SELECT FROM aclexplode(p.proacl) WHERE grantee = %(role)s::regrole AND privilege_type = 'EXECUTE')
"""
KINDS = """
SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = %(schema)s::regnamespace AND relkind = 'r'),
       (SELECT count(*) FROM pg_class WHERE relnamespace = %(schema)s::regnamespace AND relkind = 'S'),
       (SELECT count(*) FROM pg_proc WHERE pronamespace = %(schema)s::regnamespace)
"""


def test_a_new_tenants_role_may_use_all_that_is_in_its_schema(make_tenant: MakeTenant, superuser: Superuser) -> None:
    """Functions are looked for by name of the role: everybody else may execute them, too, which nobody should lean on."""
    tenant = make_tenant()
    names = {"schema": tenant.schema, "role": role_of(tenant.schema)}
    assert superuser.execute(LACKING, names).fetchall() == []
    assert 0 not in (superuser.execute(KINDS, names).fetchone() or (0,)), "there is something of each kind"
    migrations = f"{tenant.schema}.django_migrations"
    asked = superuser.execute("SELECT has_table_privilege(%s, %s, 'SELECT')", [names["role"], migrations]).fetchone()
    assert asked == (False,), "but for what is the owner's"


def test_a_taken_slug_is_refused_and_leaves_nothing(make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    owner = make_user(f"{uuid4().hex}@second.example", "Otto")
    with pytest.raises(IntegrityError):
        create_tenant(slug=tenant.slug, name="Second", owner=owner)
    assert not Membership.objects.filter(user=owner).exists()


def test_eight_sign_ups_at_once(make_tenant: MakeTenant, superuser: Superuser) -> None:
    def sign_up(_number: int) -> TenantRef:
        try:
            return make_tenant()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(sign_up, range(8)))
    assert [traces(superuser, tenant.schema) for tenant in made] == [(1, 1, 1)] * 8


def test_the_web_cannot_make_a_schema() -> None:
    with pytest.raises(Exception, match="permission denied"), connections["default"].cursor() as cursor:
        cursor.execute("CREATE SCHEMA t_mine")


CATALOG = """
SELECT 'column' AS what, c.relname AS name, concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.attidentity, pg_get_expr(d.adbin, d.adrelid)) AS detail
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = %(schema)s::regnamespace
UNION ALL SELECT 'index', c.relname, pg_get_indexdef(c.oid) FROM pg_class c
WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'i'
UNION ALL SELECT 'constraint', n.conname, n.conrelid::regclass || ' ' || pg_get_constraintdef(n.oid) FROM pg_constraint n
WHERE n.connamespace = %(schema)s::regnamespace
UNION ALL SELECT 'function', p.proname, pg_get_functiondef(p.oid) FROM pg_proc p
WHERE p.pronamespace = %(schema)s::regnamespace
"""


def catalog(superuser: Superuser, schema: str) -> set[tuple[str, ...]]:
    superuser.execute("SET search_path = pg_catalog")
    rows = superuser.execute(CATALOG, {"schema": schema}).fetchall()
    return {tuple(str(value).replace(schema, "@") for value in row) for row in rows}


def test_the_script_equals_the_migrations(superuser: Superuser) -> None:
    """If this fails, run `python -m saas.up.database template`."""
    replayed = f"t_replayed{uuid4().hex[:8]}"
    with transaction.atomic(using=OWNER):
        make_schema(replayed)
    migrated = catalog(superuser, TEMPLATE)
    assert len(migrated) > 50
    assert catalog(superuser, replayed) == migrated
    applied = [superuser.execute(f"SELECT app, name FROM {name}.django_migrations").fetchall() for name in (replayed, TEMPLATE)]
    assert sorted(map(str, applied[0])) == sorted(map(str, applied[1]))
