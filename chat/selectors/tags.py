"""Where a site's tag was seen."""

from uuid import UUID

from chat.models import TagSeen
from tenants.context import TenantRef, in_tenant


def tags_of(tenant: TenantRef, site_id: UUID) -> list[TagSeen]:
    """Each embed key and origin, newest first. Call it outside of the tenant."""
    with in_tenant(tenant):
        return list(TagSeen.objects.filter(site_id=site_id).order_by("-seen_at"))
