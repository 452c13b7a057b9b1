"""What the chat does later, or again and again."""

import logging

from procrastinate.contrib.django import app

from billing.selectors.retention import kept_since
from chat.notifications.reading import prune
from chat.services.retention import delete_notices, delete_older
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


@app.periodic(cron="41 2 * * *")
@task(queueing_lock="delete_old_messages", pass_context=False)
async def delete_old_messages(timestamp: int) -> None:
    """Delete what is older than each tenant's plan keeps, step by step; one that fails stops no other."""
    for tenant in await run_on_platform(_tenants):
        try:
            await _delete_old(tenant)
        except Exception:
            log.exception("old messages of tenant %s are not deleted", tenant.id)


async def _delete_old(tenant: TenantRef) -> None:
    if tenant.status != Tenant.Status.ACTIVE or (cutoff := await run_on_platform(kept_since, tenant.id)) is None:
        return
    deleted = 1
    while deleted:
        deleted = await run_in_tenant(tenant, delete_older, cutoff)
    await run_in_tenant(tenant, delete_notices, cutoff)


def _tenants() -> list[TenantRef]:
    return [ref(tenant) for tenant in Tenant.objects.exclude(status=Tenant.Status.CLOSED).order_by("id")]
