"""Storage, once a day for each tenant; and the partitions of usage events."""

import logging
from datetime import UTC, date
from uuid import UUID

from django.utils import timezone
from procrastinate.contrib.django import app

from billing.metering import record_storage
from billing.models import BillingAccount, StorageSample
from billing.services.partitions import drop_old, make_ahead
from saas.core.jobs import task
from tenants.context import run_on_platform

log = logging.getLogger(__name__)


@app.periodic(cron="7 * * * *")
@task(queueing_lock="sample_storage", pass_context=False)
async def sample_storage(timestamp: int) -> None:
    """Measure every tenant that was not measured today, in UTC; one that fails stops no other, and has its turn the next hour."""
    day = timezone.now().astimezone(UTC).date()
    for account_id in await run_on_platform(unmeasured, day):
        try:
            await run_on_platform(record_storage, account_id, day)
        except Exception:
            log.exception("the storage of tenant %s is not measured", account_id)


@app.periodic(cron="37 4 * * *")
@task(queueing_lock="keep_usage_partitions", pass_context=False)
async def keep_usage_partitions(timestamp: int) -> None:
    """See to it that there is a partition for months to come and none that is older than we keep."""
    made, dropped = await run_on_platform(make_ahead), await run_on_platform(drop_old)
    if made or dropped:
        log.info("partitions of usage: %s made, %s dropped", made, dropped)


def unmeasured(day: date) -> list[UUID]:
    """The tenants without a sample of the day. Whoever is closed holds nothing."""
    measured = StorageSample.objects.filter(day=day).values("account_id")
    accounts = BillingAccount.objects.exclude(access_state=BillingAccount.Access.CLOSED).exclude(pk__in=measured)
    return list(accounts.order_by("pk").values_list("pk", flat=True))
