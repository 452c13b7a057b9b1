"""Usage is written in the transaction of its cause, once per source, for the tenant whose role is in force."""

from datetime import UTC, datetime

import pytest
from django.db import ProgrammingError, connection, transaction

from billing.metering import record
from billing.models import Meter, UsageEvent
from saas.core.ids import uuid7
from tenants.context import TenantRef, in_tenant

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_each_source_counts_once(acme: TenantRef) -> None:
    sources = [uuid7(), uuid7()]
    with in_tenant(acme):
        record(Meter.MESSAGE, sources, occurred_at=NOON)
        record(Meter.MESSAGE, [*sources, sources[0]], occurred_at=NOON)
    events = UsageEvent.objects.filter(source_id__in=sources)
    assert sorted(event.source_id for event in events) == sorted(sources)
    assert {(event.tenant_id, event.meter, event.quantity, event.occurred_at) for event in events} == {
        (acme.id, "message", 1, NOON)
    }


def test_the_same_source_of_another_tenant_counts_too(acme: TenantRef, globex: TenantRef) -> None:
    source = uuid7()
    for tenant in (acme, globex):
        with in_tenant(tenant):
            record(Meter.MESSAGE, [source], occurred_at=NOON)
    assert set(UsageEvent.objects.filter(source_id=source).values_list("tenant_id", flat=True)) == {acme.id, globex.id}


def test_a_rolled_back_cause_is_not_counted(acme: TenantRef) -> None:
    source = uuid7()
    with in_tenant(acme), transaction.atomic():
        record(Meter.MESSAGE, [source], occurred_at=NOON)
        transaction.set_rollback(True)
    assert not UsageEvent.objects.filter(source_id=source).exists()


def test_nobody_records_outside_of_a_tenant() -> None:
    with pytest.raises(ProgrammingError, match="porch_platform is not the role of a tenant"):
        record(Meter.MESSAGE, [uuid7()], occurred_at=NOON)


def test_a_tenant_cannot_record_for_another(acme: TenantRef, globex: TenantRef) -> None:
    source = uuid7()
    with in_tenant(acme), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('porch.tenant', %s, false)", [str(globex.id)])  # no setting of its own is believed
        record(Meter.MESSAGE, [source], occurred_at=NOON)
    assert UsageEvent.objects.get(source_id=source).tenant_id == acme.id
