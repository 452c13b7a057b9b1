"""Usage of moments that a test chooses."""

from datetime import datetime
from uuid import UUID

from billing.metering import record
from billing.models import BillingAccount, Meter
from saas.core.ids import uuid7, uuid7_floor
from tenants.context import TenantRef, in_tenant


def id_at(moment: datetime) -> UUID:
    """A UUIDv7 of a moment."""
    return UUID(int=uuid7_floor(moment).int | uuid7().int & (1 << 80) - 1)


def use(tenant: TenantRef, *moments: datetime, meter: Meter = Meter.MESSAGE) -> list[UUID]:
    """Count one at each moment; the sources."""
    sources = [id_at(moment) for moment in moments]
    with in_tenant(tenant):
        for source, moment in zip(sources, moments, strict=True):
            record(meter, [source], occurred_at=moment)
    return sources


def account_with(tenant: TenantRef, **values: object) -> BillingAccount:
    """The tenant's row with these values: its anchor, its time zone."""
    BillingAccount.objects.filter(pk=tenant.id).update(**values)
    return BillingAccount.objects.get(pk=tenant.id)
