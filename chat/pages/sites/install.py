"""Putting a site into its owner's pages: the tag, recipes, and whether it was seen."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from chat.install import script_tag, widget_url
from chat.models import Site, TagSeen
from chat.pages.sites.access import strangers
from chat.pages.sites.desk import show, site_on
from chat.pages.sites.recipes import recipes_for
from chat.selectors.embed_keys import key_shown, keys_of
from chat.selectors.tags import tags_of
from saas.core.errors import NotFound
from saas.core.seen import mark_of
from tenants.access import Do
from tenants.authentication import tenant_of
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
    site = site_on(request, site_id)
    key = _key(request, site)
    context = {"tag": script_tag(key), "recipes": recipes_for(key), "widget": widget_url(), **_seen(request, site, key)}
    return show(request, site, "site_install", **context)


@page("GET", "HEAD", do=Do.READ_ROOMS)
def seen(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """Where the tag was seen, if that is not what whoever asks knows; else an empty 204. The page asks every few seconds."""
    site, known = site_on(request, site_id), request.GET.get("known", "")
    found = _seen(request, site, _key(request, site))
    if known == found["known"]:
        return HttpResponse(status=204)
    is_news = known.partition("-")[0] != found["known"].partition("-")[0]
    return render(request, "sites/part_seen.html", {"site": site, "is_news": is_news, **found})


def _key(request: HttpRequest, site: Site) -> str:
    """The key of the tag; none while the site is being deleted."""
    return key_shown(keys_of(tenant_of(request), site.id))["key"]


def _seen(request: HttpRequest, site: Site, key: str) -> dict[str, Any]:
    found = tags_of(tenant_of(request), site.id)
    odd = strangers(site, found)
    tags = [tag for tag in found if tag.origin not in {stranger.origin for stranger in odd}]
    return {"key": key, "tags": tags, "strangers": odd, "known": f"{_news(key, tags, odd)}-{_ages(found)}"}


def _news(key: str, tags: list[TagSeen], odd: list[TagSeen]) -> str:
    """A mark of what is worth saying aloud: on which origins it is, with which key, and whether they may show it."""
    places = {"tags": sorted({(tag.origin, tag.key) for tag in tags}), "strangers": sorted(tag.origin for tag in odd)}
    return mark_of({"key": key, **places})


def _ages(found: list[TagSeen]) -> str:
    """A mark of on which pages it was, and how many minutes ago."""
    now = timezone.now()
    return mark_of({"pages": [(tag.page, tag.seen_at, (now - tag.seen_at) // timedelta(minutes=1)) for tag in found]})
