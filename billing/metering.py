"""The one door through which usage is written. What counts, and when, is in docs/billing.md.

Call `record` and `record_visitor` inside `in_tenant`, in the transaction of what was used, and `record_storage` on the platform.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from billing.models import Meter, StorageSample, UsageEvent
from saas.core import files
from saas.core.errors import NotFound
from tenants.models import Tenant

MB: Final = 1_000_000  # bytes
TABLES_SQL: Final = """
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'm')
"""


def record(meter: Meter, source_ids: Sequence[UUID], *, occurred_at: datetime) -> None:
    """Count each source once for the current tenant, in the current transaction.

    A source's id is a UUIDv7, whose time says when it counts; DataError for another, or for one more than five minutes ahead.
    Recording a source again changes nothing. Messages are recorded by the schema's `append` function itself. Raises
    ProgrammingError outside of a tenant.
    """
    if not source_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.record_usage(%s, %s::uuid[], %s)", [meter, list(source_ids), occurred_at])


def record_visitor(visitor_id: UUID) -> bool:
    """Count a visitor of the current tenant, once in each period. Whether this was the first time in it.

    Raises ProgrammingError outside of a tenant.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.record_active_visitor(%s)", [visitor_id])
        row = cursor.fetchone()
    return bool(row and row[0])


def record_storage(account_id: UUID, day: date) -> bool:
    """Measure what a tenant holds now and count it for the day in UTC, once: as many MB-days as there are whole MB.

    Whether this was the first sample of the day. Call it on the platform's role, and not for a day that is over: what it held
    then is not known any more. Raises NotFound for a tenant that is not there.
    """
    tables, stored = _tables_size(account_id), files.total_size(account_id)
    held = {"tables_bytes": tables, "files_bytes": stored, "megabytes": (tables + stored) // MB}
    with transaction.atomic():
        sample, is_new = StorageSample.objects.get_or_create(account_id=account_id, day=day, defaults=held)
        if is_new:
            _count(sample)
    return is_new


def _count(sample: StorageSample) -> None:
    """The usage event of a sample has the sample's id."""
    UsageEvent.objects.create(
        tenant_id=sample.account_id,
        meter=Meter.STORAGE,
        source_id=sample.id,
        quantity=sample.megabytes,
        occurred_at=sample.taken_at,
        recorded_at=Now(),
    )


def _tables_size(account_id: UUID) -> int:
    """Bytes of a tenant's tables with their indexes and what is stored beside them."""
    schema = Tenant.objects.filter(id=account_id).values_list("schema_name", flat=True).first()
    if schema is None:
        raise NotFound(f"There is no tenant {account_id}.")
    with connection.cursor() as cursor:
        cursor.execute(TABLES_SQL, [schema])
        row = cursor.fetchone()
    return int(row[0]) if row else 0
