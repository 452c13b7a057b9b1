"""What the chat does later, or again and again."""

import logging

from procrastinate.contrib.django import app

from chat.notifications.reading import prune
from saas.core.jobs import task
from tenants.context import TenantRef, run_in_tenant, run_on_platform
from tenants.models import Tenant
from tenants.resolve import ref

log = logging.getLogger(__name__)


@app.periodic(cron="17 3 * * *")
@task(queueing_lock="prune_notifications", pass_context=False)
async def prune_notifications(timestamp: int) -> None:
    """Drop notifications that were seen more than 90 days ago, tenant by tenant; one that fails stops no other."""
    for tenant in await run_on_platform(_tenants):
        try:
            await run_in_tenant(tenant, prune)
        except Exception:
            log.exception("notifications of tenant %s are not pruned", tenant.id)


def _tenants() -> list[TenantRef]:
    return [ref(tenant) for tenant in Tenant.objects.order_by("id")]
