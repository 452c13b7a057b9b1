"""Sites as the widget needs them, kept by each process for up to a minute; and how the console shows them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from chat.hours import DAYS, Hours, hours_of, write_holidays
from chat.looks import DEFAULT_LOOK, DEFAULT_TEXTS, LOOK_NAMES
from chat.models import Site
from chat.selectors.words import WordList, word_list
from saas.core import bytecache
from tenants.context import TenantRef, in_tenant
from tenants.lookup import Lookup
from tenants.models import EmbedKey


@dataclass(frozen=True, slots=True)
class SiteRef:
    """How a site looks, what it says, and which pages may embed it."""

    id: UUID
    name: str
    allowed_origins: tuple[str, ...]
    look: Mapping[str, str]  # color; position, theme, icon, label, launcher, logo where they are set
    texts: Mapping[str, str]  # title, greeting, away
    words: WordList  # refused in its community rooms
    strict: bool  # only visitors whom the site has signed in
    hours: Hours = field(default_factory=Hours)


def site_for(tenant: TenantRef, site_id: UUID) -> SiteRef | None:
    """The site, at most a minute old. Call it outside of the tenant."""
    return _sites.get((tenant, site_id))


async def a_site_for(tenant: TenantRef, site_id: UUID) -> SiteRef | None:
    """The same for coroutines."""
    return await _sites.aget((tenant, site_id))


def known_site(tenant: TenantRef, site_id: UUID) -> SiteRef | None:
    """The same without asking anybody: None if this process does not know it at the moment."""
    return _sites.known((tenant, site_id))


def forget_sites(tenant_id: UUID) -> None:
    """Drop what this process remembers of a tenant's sites. Call it after the commit of a change."""
    _sites.forget(lambda key, _site: key[0].id == tenant_id)
    bytecache.forget()


def first_embed_key(tenant_id: UUID) -> str | None:
    """The key of the tenant's first site. On the platform's role."""
    return (
        EmbedKey.objects.filter(tenant_id=tenant_id, revoked_at=None).order_by("created_at").values_list("key", flat=True).first()
    )


def ref_of(site: Site) -> SiteRef:
    """The site as a value, with what holds where nothing is set."""
    return SiteRef(
        id=site.id,
        name=site.name,
        allowed_origins=tuple(site.allowed_origins),
        look={**DEFAULT_LOOK, **site.look},
        texts={**DEFAULT_TEXTS, **site.texts},
        words=word_list(site.words),
        strict=site.strict,
        hours=hours_of(site.time_zone, site.hours, site.holidays),
    )


def name_shown(site: Site) -> dict[str, str]:
    """What the form of its name shows."""
    return {"name": site.name}


def look_shown(site: Site) -> dict[str, str]:
    """What the form of its look shows: what is set, by name. (Its logo has a form of its own.)"""
    return {name: site.look.get(name, DEFAULT_LOOK.get(name, "")) for name in LOOK_NAMES if name != "logo"}


def logo_shown(site: Site) -> dict[str, str]:
    """What the form of its picture shows: the picture's name, or nothing."""
    return {"logo": site.look.get("logo", "")}


def texts_shown(site: Site) -> dict[str, str]:
    """What the form of its texts shows; empty where the usual words hold."""
    return {name: site.texts.get(name, "") for name in DEFAULT_TEXTS}


def origins_shown(site: Site) -> dict[str, str]:
    """What the form of its pages shows: one address on each line."""
    return {"allowed_origins": "\n".join(site.allowed_origins)}


def identity_keys_shown(site: Site) -> dict[str, list[str]]:
    """What the list of its identity keys shows: their ids, oldest first."""
    return {"keys": list(site.identity_keys)}


def hours_shown(site: Site) -> dict[str, str]:
    """What the form of its hours shows: of each day its first two spans as four times of day."""
    times: dict[str, str] = {}
    for number in range(len(DAYS)):
        spans = site.hours[number] if site.hours else []
        flat = [moment for span in spans[:2] for moment in span]
        for place, moment in enumerate([*flat, "", "", "", ""][:4]):
            times[f"day{number}_{place}"] = "00:00" if moment == "24:00" else moment
    return {"time_zone": site.time_zone, **times, "holidays": write_holidays(site.holidays)}


def _load(key: tuple[TenantRef, UUID]) -> SiteRef | None:
    tenant, site_id = key
    with in_tenant(tenant):
        site = Site.objects.filter(id=site_id).first()
    return ref_of(site) if site else None


_sites: Lookup[tuple[TenantRef, UUID], SiteRef] = Lookup(_load)
