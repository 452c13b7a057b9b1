"""Making a tenant: rows, role and schema in one transaction of porch_owner, the schema by replaying a script. And its end."""

from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import connections, transaction

import tenants.postgresql
from saas.core import registry
from tenants.context import TenantRef, through
from tenants.models import Domain, Membership, Role, Tenant, User, schema_for
from tenants.postgresql.base import SCHEMA_NAME, role_of
from tenants.resolve import forget, ref

OWNER = "owner"  # the only alias that may make schemas and roles
TEMPLATE_SQL = Path(tenants.postgresql.__file__).parent / "template.sql"
PLACEHOLDER = "@@SCHEMA@@"

CREATE_SQL = f"CREATE SCHEMA {PLACEHOLDER};\n"  # as the script says it

# Before the script, so that each new role exists; what it may do, as soon as there is a schema: a table is made with its
# privileges, whether by the script or by a later migration. GRANT ... ON ALL TABLES would read the catalogs of all tenants.
# Privileges are granted on the tenant's own objects only: two sign-ups at once must not change one row of a catalog.
ROLE_SQL = "CREATE ROLE {role} NOLOGIN IN ROLE porch_tenant;"
OPEN_SQL = "GRANT {role} TO porch_app WITH INHERIT FALSE, SET TRUE;"  # from now on the web may become it
DROP_SQL = "SET LOCAL lock_timeout = '5s'; DROP SCHEMA IF EXISTS {schema} CASCADE; DROP ROLE IF EXISTS {role};"
GRANTS_SQL = """
GRANT USAGE ON SCHEMA {schema} TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT EXECUTE ON FUNCTIONS TO {role};
"""
REVOKE_SQL = "REVOKE ALL ON {schema}.django_migrations FROM {role};"


def create_tenant(*, slug: str, name: str, owner: User) -> TenantRef:
    """A tenant with its host, its schema and its owner's membership, in one transaction of the alias "owner": all or nothing.

    `owner` must be committed, or made over the alias "owner" in a transaction that is open around this call. Answers of the hook
    `tenant_created` run inside the transaction: their models and `in_tenant` go over the same alias by themselves.
    Raises IntegrityError if the slug or its host is taken.
    """
    with transaction.atomic(using=OWNER), through(OWNER):
        tenant = Tenant(slug=slug, name=name)
        tenant.schema_name = schema_for(tenant.id)
        tenant.save(using=OWNER, force_insert=True)
        host = f"{slug}.{settings.BASE_HOST.partition(':')[0]}"
        Domain.objects.using(OWNER).bulk_create([Domain(tenant=tenant, domain=host, is_primary=True)])
        Membership.objects.using(OWNER).create(tenant_id=tenant.id, user_id=owner.pk, role=Role.OWNER)
        make_schema(tenant.schema_name)
        made = ref(tenant)
        transaction.on_commit(lambda: forget(made.id), using=OWNER)  # that there was no such host
        registry.tenant_created(tenant=made, owner=owner)
    return made


def make_schema(schema: str) -> None:
    """A schema with its role, as the newest migrations leave it, inside a transaction of the alias "owner"."""
    if not SCHEMA_NAME.fullmatch(schema):
        raise ValueError(f"{schema!r} is not a schema of ours")
    names = {"schema": schema, "role": role_of(schema)}
    role = ROLE_SQL.format(**names) + OPEN_SQL.format(**names)
    before, after = at_schema(_template())
    script = (before + GRANTS_SQL.format(**names) + after).replace(PLACEHOLDER, schema)
    with connections[OWNER].cursor() as cursor:
        cursor.execute(role + script + REVOKE_SQL.format(**names))


def drop_schema(schema: str) -> None:
    """Delete a tenant's schema with its role and all that is in it. Where neither is there nothing happens."""
    if not SCHEMA_NAME.fullmatch(schema):
        raise ValueError(f"{schema!r} is not a schema of ours")
    with transaction.atomic(using=OWNER), connections[OWNER].cursor() as cursor:
        cursor.execute(DROP_SQL.format(schema=schema, role=role_of(schema)))


def at_schema(script: str) -> tuple[str, str]:
    """The script up to where its schema is there and nothing in it, and the rest. The privileges of the role come between: after
    the rest they would reach no table, and nobody could use the tenant. Raises ValueError for a script without that line."""
    before, create, after = script.partition(CREATE_SQL)
    if not create:
        raise ValueError(f"The script of a new schema does not say {CREATE_SQL.strip()!r} on a line of its own.")
    return before + create, after


@cache
def _template() -> str:
    return TEMPLATE_SQL.read_text()
