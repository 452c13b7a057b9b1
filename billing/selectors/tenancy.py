"""The tenant as somebody who pays, and who of its members it pays for."""

from dataclasses import dataclass
from uuid import UUID

from billing.models import BillingAccount, BillingContact, SupportVisit
from saas.core.errors import NotFound
from tenants.models import Role
from tenants.selectors import Member, members_of

VISITS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Holders:
    """Who has a seat, and who reads without one."""

    seated: list[Member]
    free: list[Member]


def account_of(tenant_id: UUID) -> BillingAccount:
    """The tenant's row of billing, whose key is the tenant's own. Raises NotFound."""
    found = BillingAccount.objects.filter(pk=tenant_id).first()
    if found is None:
        raise NotFound(f"There is no tenant {tenant_id}.")
    return found


def holders_of(tenant_id: UUID) -> Holders:
    """The active members by name: owners, admins and agents have a seat each, viewers cost nothing."""
    members = members_of(tenant_id)
    return Holders(
        seated=[member for member in members if member.role != Role.VIEWER],
        free=[member for member in members if member.role == Role.VIEWER],
    )


def contacts_of(tenant_id: UUID) -> list[BillingContact]:
    """Who gets what is written about money beside the owner, the first one first."""
    return list(BillingContact.for_tenant(tenant_id).order_by("created_at", "id"))


def visits_of(tenant_id: UUID) -> list[SupportVisit]:
    """The latest visits of support, the newest first."""
    return list(SupportVisit.for_tenant(tenant_id).select_related("staff").order_by("-began_at")[:VISITS_SHOWN])
