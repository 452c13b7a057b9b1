"""A tenant as somebody who pays, from its first moment."""

from django.utils import timezone

from billing.models import BillingAccount
from tenants.context import TenantRef


def open_account(*, tenant: TenantRef, **_facts: object) -> None:
    """Answers `tenant_created`, inside its transaction: the free plan, with periods from this second on."""
    BillingAccount.objects.create(tenant_id=tenant.id, anchor=timezone.now().replace(microsecond=0))


def reopen_account(*, tenant: TenantRef) -> None:
    """Answers `tenant_restored`: one from elsewhere begins here with the free plan, others keep what they have."""
    if not BillingAccount.objects.filter(pk=tenant.id).exists():
        open_account(tenant=tenant)
