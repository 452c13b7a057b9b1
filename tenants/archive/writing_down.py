"""What a restore leaves in the tenant's audit log, in the transaction in which the tenant opens again."""

from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from tenants.archive.manifest import Manifest
from tenants.archive.people import Back, Member
from tenants.archive.schema import Connection

# As `record` of tenants/audit/ writes Porchlight's own acts; the owner's connection is none of Django's.
ACT: Final = """
    INSERT INTO tenants_auditentry (id, tenant_id, act, by_kind, by_name, thing_kind, thing_id, thing_name, before, after,
            address, browser, way, at)
        VALUES (uuidv7(), %s, %s, '', '', %s, %s, %s, '{}', %s, '', '', '', now())
"""


def write_down(connection: Connection, manifest: Manifest, back: Back) -> None:
    """That the tenant was restored, and from when; and where it stood, each member and host that it did not have any more."""
    hosts = {"hosts_brought_back": back.hosts} if back.stood and back.hosts else {}
    on = ("tenant", manifest.tenant_id, manifest.name)
    _act(connection, manifest.tenant_id, "tenant.restored", on, {"archive_made_at": manifest.made_at, **hosts})
    for member in back.members if back.stood else ():
        on = ("member", member.user_id, member.name or member.email)
        _act(connection, manifest.tenant_id, "member.restored", on, _of(member, back))


def _act(connection: Connection, tenant_id: UUID, act: str, on: tuple[str, UUID, str], after: dict[str, Any]) -> None:
    kind, thing_id, name = on
    connection.execute(ACT, [tenant_id, act, kind, str(thing_id), name[:200], Jsonb(after)])


def _of(member: Member, back: Back) -> dict[str, Any]:
    return {"role": member.role, "email": member.email, **({"disabled": True} if back.disabled else {})}
