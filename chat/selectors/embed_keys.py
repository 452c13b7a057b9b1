"""The embed keys of a site, with when each was last used. Called outside of the tenant, on the platform's role."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from chat.selectors.tags import tags_of
from tenants.context import TenantRef
from tenants.models import EmbedKey


@dataclass(frozen=True, slots=True)
class Key:
    """An embed key of a site."""

    key: str
    created_at: datetime
    revoked_at: datetime | None  # it works until then
    used_at: datetime | None  # when a page last came with it, to the minute
    used_on: str  # that page

    @property
    def is_live(self) -> bool:
        return self.revoked_at is None or self.revoked_at > timezone.now()

    @property
    def is_current(self) -> bool:
        """Whether it is the key of the script tag."""
        return self.revoked_at is None


def key_shown(keys: Iterable[Key | EmbedKey]) -> dict[str, str]:
    """What the form of a new key shows of these keys: the one in the tag, or nothing."""
    return {"key": next((one.key for one in keys if one.revoked_at is None), "")}


def keys_of(tenant: TenantRef, site_id: UUID) -> list[Key]:
    """The keys of a site, newest first, dead ones too."""
    rows = list(EmbedKey.objects.filter(tenant_id=tenant.id, site_id=site_id).order_by("-created_at"))
    seen = {tag.key: tag for tag in reversed(tags_of(tenant, site_id))}
    return [
        Key(row.key, row.created_at, row.revoked_at, tag.seen_at if tag else None, tag.page if tag else "")
        for row in rows
        for tag in [seen.get(row.key)]
    ]
