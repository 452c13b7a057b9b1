"""Writing an act down. Call `record` in the service that does the act, inside its transaction."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DEFAULT_DB_ALIAS, connection, router

from tenants.audit.acts import ACTS
from tenants.context import TenantRef
from tenants.models import AuditEntry, User
from tenants.postgresql.base import PUBLIC, connection_of
from tenants.resolve import MemberRef
from tenants.source import came_from
from tenants.tokens import Principal

LONGEST_VALUE: Final = 1_000  # characters of one text before or after; what is longer is cut
RECORD_SQL: Final = """
SELECT public.record_act(
    %(act)s, %(by_kind)s, %(by_id)s, %(by_name)s, %(thing_kind)s, %(thing_id)s, %(thing_name)s,
    %(before)s::jsonb, %(after)s::jsonb, %(address)s, %(browser)s, %(way)s
)
"""
By = Principal | MemberRef | User | None


@dataclass(frozen=True, slots=True)
class Thing:
    """What something was done to: its kind in one of the product's words, its id, and its name at that moment."""

    kind: str
    id: UUID | str
    name: str


def record(
    tenant: TenantRef | UUID,
    *,
    by: By,
    act: str,
    on: Thing,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write an act of the tenant down, in the caller's transaction; inside the tenant as well as on the platform's role.

    `before` and `after` hold what the act touched, by name; only what differs is kept. Never pass a secret. `by=None` is
    Porchlight itself. Raises KeyError for an act that is not in ACTS.
    """
    ACTS[act]
    values = {"act": act, **_who(by), **_what(on), **_difference(before or {}, after or {}), **_where()}
    alias = router.db_for_write(AuditEntry)
    if alias != DEFAULT_DB_ALIAS or connection_of(alias).schema_name == PUBLIC:  # or a tenant is being made, by the owner's role
        AuditEntry.objects.create(tenant_id=tenant if isinstance(tenant, UUID) else tenant.id, **values)
    else:
        _write_in_tenant(values)


def forget_old() -> int:
    """Delete what is older than two years, by the database's clock, of all tenants; how many. On the platform's role."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.forget_old_acts()")
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def _write_in_tenant(values: dict[str, Any]) -> None:
    """The database takes the tenant from the role in force."""
    said = {**values, "before": json.dumps(values["before"]), "after": json.dumps(values["after"])}
    with connection.cursor() as cursor:
        cursor.execute(RECORD_SQL, said)


def _who(by: By) -> dict[str, Any]:
    match by:
        case Principal():
            return {"by_kind": by.kind, "by_id": by.id, "by_name": by.name[:254]}
        case MemberRef():
            return {"by_kind": "agent", "by_id": by.user_id, "by_name": by.name[:254]}
        case User():
            return {"by_kind": "agent", "by_id": by.id, "by_name": str(by)[:254]}
    return {"by_kind": "", "by_id": None, "by_name": ""}


def _what(on: Thing) -> dict[str, str]:
    return {"thing_kind": on.kind, "thing_id": str(on.id), "thing_name": on.name[:200]}


def _where() -> dict[str, str]:
    source = came_from()
    return {"address": source.address[:45], "browser": source.browser, "way": source.way}


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What is not the same in both, as JSON has it."""
    old, new = _plain(before), _plain(after)
    names = [name for name in {**old, **new} if name not in old or name not in new or old[name] != new[name]]
    return {
        "before": {name: _short(old[name]) for name in names if name in old},
        "after": {name: _short(new[name]) for name in names if name in new},
    }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(dict(values), cls=DjangoJSONEncoder))
    return plain


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return f"{value[:LONGEST_VALUE]}…"
    return value
