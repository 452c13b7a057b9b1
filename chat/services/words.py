"""The words that a site refuses in its community rooms: setting the list, and looking a message up in it."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from chat.access import room_for
from chat.models import Site
from chat.selectors.sites import a_site_for, known_site
from chat.selectors.words import clean_words
from chat.services.sites import forget_everywhere
from saas.core.errors import Forbidden, NotFound, ReadOnly
from saas.core.seen import refuse_if_changed
from tenants.access import Do, may
from tenants.audit import Thing, record
from tenants.context import TenantRef, in_tenant, run_in_tenant
from tenants.tokens import Principal


def words_of(tenant: TenantRef, principal: Principal, site_id: UUID) -> list[str]:
    """The list of a site. Raises NotFound, and Forbidden for who may not moderate. Call it outside of the tenant."""
    if not may(principal.role, Do.MODERATE):
        raise ReadOnly("Your role may read rooms, but not their rules.")
    with in_tenant(tenant):
        found = Site.objects.filter(id=site_id).values_list("words", flat=True).first()
    if found is None:
        raise NotFound("There is no such site.")
    return list(found)


def set_words(
    tenant: TenantRef, principal: Principal, site_id: UUID, words: Sequence[str], *, seen: str | None = None
) -> list[str]:
    """Replace the list of a site; every process follows at once. As it is stored. Call it outside of the tenant.

    `seen` is the mark of `{"words": [...]}` as it was shown. Raises NotFound, Forbidden by role, ChangedSince, and what is wrong
    with a word with field `words`.
    """
    if not may(principal.role, Do.MANAGE_SITES):
        raise Forbidden("Your role may not change a site.")
    cleaned = clean_words(words)
    with in_tenant(tenant), transaction.atomic():
        site = Site.objects.select_for_update().filter(id=site_id).first()
        if site is None:
            raise NotFound("There is no such site.")
        refuse_if_changed(seen, {"words": list(site.words)})
        Site.objects.filter(id=site_id).update(words=cleaned)
        on = Thing("site", site_id, site.name)
        record(tenant, by=principal, act="words.changed", on=on, before={"words": list(site.words)}, after={"words": cleaned})
    forget_everywhere(tenant.id)
    return cleaned


def is_harmless(tenant: TenantRef, principal: Principal, text: str) -> bool:
    """Whether the text needs no further look: known at once, without waiting, for all but what holds a refused word."""
    if principal.kind != "visitor" or principal.site_id is None:
        return True
    site = known_site(tenant, principal.site_id)
    return site is not None and site.words.find(text) is None


async def refuse_words(tenant: TenantRef, principal: Principal, room_id: UUID, text: str) -> None:
    """Raise Forbidden with field `text` if the text holds a word that the room does not take from this person.

    That is so in community rooms, for visitors who do not moderate them. Raises NotFound for a room they may not see.
    """
    if principal.site_id is None or is_harmless(tenant, principal, text):
        return
    site = await a_site_for(tenant, principal.site_id)
    if site is None or (word := site.words.find(text)) is None:
        return
    access = await run_in_tenant(tenant, room_for, principal, room_id)
    if access.kind == "community" and not access.may_moderate:
        raise Forbidden(f"This room does not take the word {word!r}.", field="text")
