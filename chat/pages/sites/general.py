"""A site's name, its embed keys, and taking settings from another one."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chat.models import Site
from chat.pages.sites.desk import done, keep, show, site_on
from chat.pages.sites.forms import CopyForm, NameForm, RotateForm, SureForm
from chat.selectors.embed_keys import keys_of
from chat.selectors.sites import name_shown
from chat.services.embed_keys import revoke_key, rotate_key
from chat.services.site_deletion import SiteLosses, delete_site, what_site_takes
from chat.services.sites import copy_settings, logged_parts
from saas.core.errors import AppError, ChangedSince, NotFound
from saas.core.forms import UNPROCESSABLE
from tenants.access import Do
from tenants.authentication import agent_of, tenant_of
from tenants.context import in_tenant
from tenants.pages.desk import page, refuse, who_changed


@page("GET", "HEAD", "POST", do=Do.MANAGE_SITES)
def general(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """What it is called, and what else there is to do with it as a whole."""
    site = site_on(request, site_id)
    form = NameForm(request.POST or None, site=site)
    if request.method == "POST" and keep(request, site, form, name_shown, lambda said: {"name": said["name"]}):
        return done(request, site, "site")
    return _general(request, site, form=form, status=form.status)


@page("POST", do=Do.MANAGE_SITES)
def rotate(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """A new key for the tag."""
    site, tenant = site_on(request, site_id), tenant_of(request)
    form = RotateForm(request.POST, keys=keys_of(tenant, site.id))
    if form.is_valid():
        try:
            rotate_key(tenant, site.id, by=agent_of(request), **form.cleaned_data)
        except ChangedSince as refusal:
            form.refuse(refusal, by=who_changed(request, "site", site.id, "key.rotated"))
        else:
            return done(request, site, "site_install", "The tag has a new key. Put it into your pages.")
    return _general(request, site, rotating=form, status=form.status)


@page("POST", do=Do.MANAGE_SITES)
def revoke(request: HttpRequest, site_id: UUID, key: str) -> HttpResponse:
    """An old key ends before its time."""
    site = site_on(request, site_id)
    try:
        revoke_key(tenant_of(request), site.id, key, by=agent_of(request))
    except NotFound:
        raise
    except AppError as refusal:
        messages.error(request, refusal.message)
        return redirect("site", site_id=site.id)
    return done(request, site, "site", "The key has ended. Pages with it show no chat any more.")


@page("POST", do=Do.MANAGE_SITES)
def copy(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """Set it as another one is."""
    site = site_on(request, site_id)
    form = CopyForm(request.POST, site=site, sites=_others(request, site))
    if not form.is_valid():
        return _general(request, site, copying=form, status=UNPROCESSABLE)
    said = form.cleaned_data
    chosen = {"source_id": UUID(said["source"]), "parts": said["parts"], "seen": said["seen"]}
    try:
        copy_settings(tenant_of(request), site.id, by=agent_of(request), **chosen)
    except ChangedSince as refusal:
        fields = logged_parts(refusal.stored)
        by = who_changed(request, "site", site.id, "site.changed", "words.changed", fields=fields)
        form.show_changed(refusal, by=by)
        return _general(request, site, copying=form, status=refusal.status)
    return done(request, site, "site", "Copied. Pages follow within a minute.")


@page("GET", "HEAD", "POST", do=Do.MANAGE_SITES)
def delete(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """What goes is said in numbers first; then its name is typed."""
    site, tenant = site_on(request, site_id), tenant_of(request)
    form = SureForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            delete_site(tenant, site.id, sure=form.cleaned_data["sure"], by=agent_of(request))
        except AppError as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, f"{site.name} is deleted.")
            return redirect("sites")
    losses = what_site_takes(tenant, site.id)
    status = UNPROCESSABLE if form.errors else 200
    return show(request, site, "site_delete", form=form, counts=_counts(losses), status=status)


def _counts(losses: SiteLosses) -> list[tuple[int, str]]:
    """Each number with its word."""
    numbers = [(getattr(losses, name), name) for name in ("rooms", "messages", "visitors", "files", "reports")]
    return [(number, name.removesuffix("s") if number == 1 else name) for number, name in numbers]


def _general(
    request: HttpRequest,
    site: Site,
    *,
    form: NameForm | None = None,
    rotating: RotateForm | None = None,
    copying: CopyForm | None = None,
    status: int,
) -> HttpResponse:
    others, keys = _others(request, site), keys_of(tenant_of(request), site.id)
    return show(
        request,
        site,
        "site",
        status=status,
        form=form or NameForm(site=site),
        keys=keys,
        rotating=rotating or RotateForm(keys=keys),
        copying=(copying or CopyForm(site=site, sites=others)) if others else None,
    )


def _others(request: HttpRequest, site: Site) -> list[Site]:
    with in_tenant(tenant_of(request)):
        return list(Site.objects.exclude(id=site.id).order_by("name", "id"))
