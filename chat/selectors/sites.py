"""Sites as the widget needs them, kept by each process for up to a minute."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from chat.models import Site
from chat.selectors.words import WordList, word_list
from saas.core import bytecache
from tenants.context import TenantRef, in_tenant
from tenants.lookup import Lookup
from tenants.models import EmbedKey

DEFAULT_LOOK: Final = {"color": "#B45309"}  # and where a line ends: right, or left on a page that is read from right to left
DEFAULT_TEXTS: Final = {
    "title": "Write to us",
    "greeting": "Hello. Ask us anything; we answer here.",
    "away": "Nobody is here right now. Leave a message: the answer will wait for you in this window.",
}


@dataclass(frozen=True, slots=True)
class SiteRef:
    """How a site looks, what it says, and which pages may embed it."""

    id: UUID
    name: str
    allowed_origins: tuple[str, ...]
    look: Mapping[str, str]  # color; position, where it is set
    texts: Mapping[str, str]  # title, greeting, away
    words: WordList  # refused in its community rooms
    strict: bool  # only visitors whom the site has signed in


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


def _load(key: tuple[TenantRef, UUID]) -> SiteRef | None:
    tenant, site_id = key
    with in_tenant(tenant):
        site = Site.objects.filter(id=site_id).first()
    if site is None:
        return None
    return SiteRef(
        id=site.id,
        name=site.name,
        allowed_origins=tuple(site.allowed_origins),
        look={**DEFAULT_LOOK, **site.look},
        texts={**DEFAULT_TEXTS, **site.texts},
        words=word_list(site.words),
        strict=site.strict,
    )


_sites: Lookup[tuple[TenantRef, UUID], SiteRef] = Lookup(_load)
