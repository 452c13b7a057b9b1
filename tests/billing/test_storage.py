"""Storage is measured once a day, from the real size of a tenant's tables and files, and counted in whole MB."""

from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from billing.jobs import usage
from billing.jobs.usage import sample_storage, unmeasured
from billing.metering import record_storage
from billing.models import BillingAccount, Meter, StorageSample, UsageEvent
from billing.periods import period_of
from billing.selectors.usage import used
from saas.core import files
from saas.core.errors import NotFound
from tenants.context import TenantRef, run_on_platform
from tests.support import talk
from tests.support.cast import MakeTenant
from tests.support.usage import account_with

MB = 1_000_000


@pytest.fixture
def today() -> date:
    """The same until the test ends."""
    return timezone.now().date()


def sample_of(tenant: TenantRef, day: date) -> StorageSample:
    sample: StorageSample = StorageSample.objects.get(account_id=tenant.id, day=day)
    return sample


def test_tables_and_files_are_measured(make_tenant: MakeTenant, today: date) -> None:
    tenant = make_tenant()
    files.put(tenant.id, b"x" * 3 * MB)
    assert record_storage(tenant.id, today)
    sample = sample_of(tenant, today)
    assert sample.files_bytes == 3 * MB
    assert sample.tables_bytes > 0
    assert sample.megabytes == (sample.tables_bytes + sample.files_bytes) // MB >= 3
    event = UsageEvent.objects.get(tenant_id=tenant.id, meter=Meter.STORAGE)
    assert (event.source_id, event.quantity, event.occurred_at) == (sample.id, sample.megabytes, sample.taken_at)
    assert used(tenant.id, period_of(tenant.id))[Meter.STORAGE] == sample.megabytes


def test_a_table_that_grows_is_seen_and_another_tenants_is_not(make_tenant: MakeTenant, today: date) -> None:
    small, large = make_tenant(), make_tenant()
    vic = talk.visitor(large)
    talk.room_of(large, vic, *("x" * 1_000 for _ in range(1_500)))
    for tenant in (small, large):
        assert record_storage(tenant.id, today)
    assert sample_of(large, today).tables_bytes - sample_of(small, today).tables_bytes > MB


def test_a_day_is_counted_once(make_tenant: MakeTenant, today: date) -> None:
    tenant = make_tenant()
    assert record_storage(tenant.id, today)
    files.put(tenant.id, b"x" * 3 * MB)
    assert not record_storage(tenant.id, today)
    assert sample_of(tenant, today).files_bytes == 0
    assert UsageEvent.objects.filter(tenant_id=tenant.id, meter=Meter.STORAGE).count() == 1


def test_each_day_counts_for_itself(make_tenant: MakeTenant, today: date) -> None:
    tenant = make_tenant()
    files.put(tenant.id, b"x" * 2 * MB)
    assert record_storage(tenant.id, today - timedelta(days=1))
    assert record_storage(tenant.id, today)
    assert used(tenant.id, period_of(tenant.id))[Meter.STORAGE] == 2 * sample_of(tenant, today).megabytes


def test_nobodys_storage_cannot_be_measured(today: date) -> None:
    nobody = uuid4()
    with pytest.raises(NotFound, match=str(nobody)):
        record_storage(nobody, today)


@pytest.mark.timeout(600)  # there may be a thousand by now
async def test_the_job_measures_everybody_who_is_not_closed(
    make_tenant: MakeTenant, today: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "timezone", SimpleNamespace(now=lambda: datetime.combine(today, time(12), UTC)))
    one, broken, closed = [await run_on_platform(make_tenant) for _ in range(3)]
    await run_on_platform(account_with, closed, access_state=BillingAccount.Access.CLOSED)
    whole = files.total_size

    def fails(tenant_id: UUID) -> int:
        if tenant_id == broken.id:
            raise OSError("the storage is away")
        return whole(tenant_id)

    with monkeypatch.context() as away:
        away.setattr(files, "total_size", fails)
        await sample_storage(timestamp=0)
    left = await run_on_platform(unmeasured, today)
    assert broken.id in left
    assert one.id not in left
    assert closed.id not in left
    await sample_storage(timestamp=0)
    assert await run_on_platform(unmeasured, today) == []
