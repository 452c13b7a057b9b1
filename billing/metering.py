"""The one door through which usage is written."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from billing.models import Meter


def record(meter: Meter, source_ids: Sequence[UUID], *, occurred_at: datetime) -> None:
    """Count each source once for the current tenant, in the current transaction.

    Call it inside `in_tenant`, in the transaction of what was used. Recording a source again changes nothing. Messages are
    recorded by the schema's `append` function itself. Raises ProgrammingError outside of a tenant.
    """
    if not source_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.record_usage(%s, %s::uuid[], %s)", [meter, list(source_ids), occurred_at])
