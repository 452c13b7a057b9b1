"""Putting a site into its owner's pages: the tag, recipes, and whether it was seen."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from chat.install import script_tag, widget_url
from chat.models import Site
from chat.pages.sites.access import strangers
from chat.pages.sites.desk import show, site_on
from chat.pages.sites.recipes import recipes_for
from chat.selectors.embed_keys import keys_of
from chat.selectors.tags import tags_of
from saas.core.errors import NotFound
from tenants.access import Do, may
from tenants.authentication import member_of, tenant_of
from tenants.context import in_tenant
from tenants.pages.desk import page


@page("GET", "HEAD", do=Do.READ_ROOMS)
def install_first(request: HttpRequest) -> HttpResponse:
    """The first site's page."""
    with in_tenant(tenant_of(request)):
        site = Site.objects.order_by("created_at", "id").first()
    if site is None:
        raise NotFound("There is no site.")
    return redirect("site_install", site_id=site.id)


@page("GET", "HEAD", do=Do.READ_ROOMS)
def install(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """Everybody of the team reads it: whoever builds the pages may be any of them."""
    site, tenant = site_on(request, site_id), tenant_of(request)
    key = next((one.key for one in keys_of(tenant, site.id) if one.is_current), "")
    context = {"key": key, "tag": script_tag(key), "recipes": recipes_for(key), "widget": widget_url(), **_seen(request, site)}
    return show(request, site, "site_install", **context)


@page("GET", "HEAD", do=Do.READ_ROOMS)
def seen(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """Where the tag was seen; asked for every few seconds while somebody waits for it."""
    site = site_on(request, site_id)
    return render(request, "sites/part_seen.html", {"site": site, **_seen(request, site)})


def _seen(request: HttpRequest, site: Site) -> dict[str, Any]:
    found = tags_of(tenant_of(request), site.id)
    odd = strangers(site, found)
    return {
        "tags": [tag for tag in found if tag.origin not in {stranger.origin for stranger in odd}],
        "strangers": odd,
        "may_allow": may(member_of(request).role, Do.MANAGE_SITES),
    }
