"""A site as it would be with values that nobody has kept yet: for the preview beside a form.

The values travel signed in the address, in the place of the embed key, so that the real loader and the real panel show them
without knowing that it is a preview. Whoever holds such an address sees a look and some words, for an hour; nobody is let in.
"""

from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from django.core import signing

from chat.hours import hours_of
from chat.looks import DEFAULT_LOOK, DEFAULT_TEXTS
from chat.selectors.sites import SiteRef, site_for
from tenants.context import TenantRef
from tenants.models import Tenant
from tenants.resolve import ref

MARK: Final = "~"  # that no embed key begins with
LIFE: Final = 3600  # seconds
SALT: Final = "preview of a site"


@dataclass(frozen=True, slots=True)
class Preview:
    """Whose site it is, the site as it would be, and the origin of the console that shows it."""

    tenant: TenantRef
    site: SiteRef
    console: str
    is_away: bool  # as if nobody were here


def preview_key(tenant: TenantRef, site_id: UUID, *, console: str, is_away: bool = False, **changes: Any) -> str:
    """What stands in the place of an embed key. `changes`: `look`, `texts`, `hours` (time zone, week, holidays)."""
    said = {"tenant": str(tenant.id), "site": str(site_id), "console": console, "away": is_away, **changes}
    return MARK + signing.dumps(said, salt=SALT, compress=True)


def preview_of(key: str) -> Preview | None:
    """The preview; None for what is none, or is over."""
    if not key.startswith(MARK):
        return None
    try:
        said = signing.loads(key.removeprefix(MARK), salt=SALT, max_age=LIFE)
    except signing.BadSignature:
        return None
    tenant = Tenant.objects.filter(id=said["tenant"], status=Tenant.Status.ACTIVE).first()
    site = site_for(ref(tenant), UUID(said["site"])) if tenant else None
    return Preview(ref(tenant), _changed(site, said), said["console"], said["away"]) if tenant and site else None


def _changed(site: SiteRef, said: dict[str, Any]) -> SiteRef:
    if "look" in said:
        logo = {"logo": site.look["logo"]} if "logo" in site.look else {}
        site = replace(site, look={**DEFAULT_LOOK, **logo, **_filled(said["look"])})
    if "texts" in said:
        site = replace(site, texts={**DEFAULT_TEXTS, **_filled(said["texts"])})
    if "hours" in said:
        site = replace(site, hours=hours_of(*said["hours"]))
    return site


def _filled(values: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
