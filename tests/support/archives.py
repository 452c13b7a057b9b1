"""Tenants out of the way and back: what `backup_tenant` wrote, and accidents of every size."""

import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from chat.models import Message
from saas.core import files
from tenants.archive import replacing
from tenants.archive.manifest import MANIFEST, Manifest
from tenants.context import TenantRef, in_tenant
from tenants.provisioning import drop_schema
from tenants.services import forget_tenant
from tests.support import cluster

Superuser = psycopg.Connection[tuple[Any, ...]]
OURS = ("tenants_auditentry", "tenants_domain", "tenants_embedkey", "tenants_firstrun", "tenants_membership")


def back_up(tenant: TenantRef, folder: Path) -> Path:
    """The archive that the command writes."""
    cluster.manage("backup_tenant", tenant.slug, "--to", str(folder), DATABASE_AS_OWNER="1")
    (archive,) = folder.glob(f"{tenant.slug}-*.tar")
    return archive


def restore(archive: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return cluster.manage("restore_tenant", str(archive), *words, check=False, DATABASE_AS_OWNER="1")


def manifest_of(archive: Path) -> Manifest:
    with tarfile.open(archive) as opened:
        part = opened.extractfile(MANIFEST)
        assert part is not None
        return msgspec.json.decode(part.read(), type=Manifest)


def destroy(tenant: TenantRef) -> None:
    """An accident: its schema, its role, its files, its hosts and keys and who is a member. Users and bills are left."""
    files.delete_all(tenant.id)
    drop_schema(tenant.schema)
    forget_tenant(tenant.id)


def move_away(superuser: Superuser, tenant: TenantRef) -> None:
    """As if this were another installation, at which nobody knows the tenant nor its people."""
    people = superuser.execute("SELECT user_id FROM tenants_membership WHERE tenant_id = %s", [tenant.id]).fetchall()
    destroy(tenant)
    with superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")  # no foreign key is asked
        for table in ("billing_billingaccount", "tenants_auditentry", "tenants_firstrun"):
            superuser.execute(f"DELETE FROM {table} WHERE tenant_id = %s", [tenant.id])
        superuser.execute("DELETE FROM tenants_tenant WHERE id = %s", [tenant.id])
        for table in ("account_emailaddress", "mfa_authenticator"):
            superuser.execute(f"DELETE FROM {table} WHERE user_id = ANY (%s)", [[user for (user,) in people]])
        superuser.execute("DELETE FROM tenants_user WHERE id = ANY (%s)", [[user for (user,) in people]])


def rows_of(superuser: Superuser, tenant: TenantRef) -> dict[str, list[str]]:
    """The tenant's rows of `public`, without the numbers that a database gives by itself."""
    found = {}
    for table in OURS:
        question = f"SELECT (to_jsonb(one) - 'id')::text FROM {table} one WHERE tenant_id = %s ORDER BY 1"
        found[table] = [text for (text,) in superuser.execute(question, [tenant.id]).fetchall()]
    return found


def said(tenant: TenantRef, room: UUID) -> list[str]:
    with in_tenant(tenant):
        return list(Message.objects.filter(room_id=room).order_by("seq").values_list("text", flat=True))


@contextmanager
def shut(tenant: TenantRef) -> Iterator[None]:
    """As while an archive is being put in its place."""
    with replacing.alone() as owner:
        replacing.begin(owner, tenant.schema)
        try:
            yield
        finally:
            replacing.put_back(owner, tenant.schema)


def is_open_and_alone(superuser: Superuser, tenant: TenantRef) -> bool:
    """The web may become it, and nothing stands aside."""
    row = superuser.execute("SELECT pg_has_role('porch_app', %s::regrole, 'SET')", [tenant.role]).fetchone()
    left = "SELECT rolname FROM pg_roles WHERE rolname = %s UNION SELECT nspname FROM pg_namespace WHERE nspname = %s"
    return row == (True,) and not superuser.execute(left, [f"{tenant.role}_aside", f"{tenant.schema}_aside"]).fetchall()
