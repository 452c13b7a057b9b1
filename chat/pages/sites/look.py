"""How a site looks and what it says, beside the real widget as it would be."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from chat.colors import SEEN, sight_of
from chat.hours import clean_holidays, clean_week, clean_zone
from chat.install import widget_url
from chat.looks import COLOR, clean_look
from chat.models import Site
from chat.pages.sites.desk import done, keep, show, site_on
from chat.pages.sites.forms import HoursForm, LogoForm, LookForm, TextsForm
from chat.selectors.previews import preview_key
from chat.selectors.sites import look_shown, texts_shown
from chat.services.logos import remove_logo, set_logo
from chat.services.sites import clean_texts
from saas.core.errors import AppError, ChangedSince, NotFound
from saas.core.forms import UNPROCESSABLE, SeenForm
from tenants.access import Do
from tenants.authentication import agent_of, tenant_of
from tenants.pages.desk import page, refuse, who_changed

UNCHANGED: Final = 204  # htmx leaves what is there
PARTIAL: Final = "sites/part_preview.html"


@page("GET", "HEAD", "POST", do=Do.MANAGE_SITES)
def look(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """Colour, place, icon, theme."""
    site = site_on(request, site_id)
    form = LookForm(request.POST or None, site=site)
    if request.method == "POST" and keep(request, site, form, look_shown, lambda said: {"look": LookForm.read(said)}):
        return done(request, site, "site_look")
    return _look(request, site, form=form, status=form.status)


@page("POST", do=Do.MANAGE_SITES)
def logo(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """Another picture, kept at once."""
    site = site_on(request, site_id)
    form = LogoForm(request.POST, request.FILES, site=site)
    if form.is_valid():
        said = form.cleaned_data
        try:
            set_logo(tenant_of(request), site.id, said["logo"].read(), by=agent_of(request), seen=said["seen"])
        except ChangedSince:
            return _other_picture(request, site.id)
        except AppError as refusal:
            refuse(form, refusal)
        else:
            return done(request, site, "site_look", "The picture is kept.")
    return _look(request, site, picture=form, status=UNPROCESSABLE)


@page("POST", do=Do.MANAGE_SITES)
def drop_logo(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """The site's initials again."""
    site = site_on(request, site_id)
    try:
        remove_logo(tenant_of(request), site.id, by=agent_of(request), seen=request.POST.get("seen"))
    except ChangedSince:
        return _other_picture(request, site.id)
    return done(request, site, "site_look", "The picture is gone.")


@page("GET", "HEAD", "POST", do=Do.MANAGE_SITES)
def texts(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """Title, greeting, and what stands there while nobody is here."""
    site = site_on(request, site_id)
    form = TextsForm(request.POST or None, site=site)
    if request.method == "POST" and keep(request, site, form, texts_shown, lambda said: {"texts": TextsForm.read(said)}):
        return done(request, site, "site_texts")
    return show(request, site, "site_texts", form=form, preview=stored_preview(request, site), status=form.status)


@page("POST", do=Do.MANAGE_SITES)
def preview(request: HttpRequest, site_id: UUID, part: str) -> HttpResponse:
    """The widget with what stands in the form. What cannot be kept is not shown either: the preview stays as it was."""
    site = site_on(request, site_id)
    if part not in PREVIEWED:
        raise NotFound("There is nothing to preview.")
    form, read = PREVIEWED[part]
    filled = form(request.POST, site=site)
    try:
        changes = read(filled.cleaned_data) if filled.is_valid() else {}
    except AppError:
        changes = {}
    if not changes:
        return HttpResponse(status=UNCHANGED)
    return render(request, PARTIAL, {"preview": _preview(request, site, **changes), **_sight(changes.get("look", {}))})


def stored_preview(request: HttpRequest, site: Site) -> str:
    """The address of the widget as it is kept."""
    return _preview(request, site)


def _look(
    request: HttpRequest, site: Site, *, form: LookForm | None = None, picture: LogoForm | None = None, status: int
) -> HttpResponse:
    shown = form or LookForm(site=site)
    context = {"form": shown, "picture": picture or LogoForm(site=site), **_sight(look_shown(site))}
    return show(request, site, "site_look", preview=stored_preview(request, site), status=status, **context)


def _other_picture(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """Somebody else's picture took the place of the one that this person saw: here it is, and nothing was done."""
    site = site_on(request, site_id)
    picture = LogoForm(site=site)
    picture.changed_by = who_changed(request, "site", site.id, "site.changed", fields=["look.logo"]) or "Somebody else"
    return _look(request, site, picture=picture, status=picture.status)


def _preview(request: HttpRequest, site: Site, **changes: Any) -> str:
    console = f"{settings.SCHEME}://{request.get_host()}"
    is_away = request.POST.get("nobody") == "on"
    key = preview_key(tenant_of(request), site.id, console=console, is_away=is_away, **changes)
    return widget_url(f"/w/{key}/preview")


def _sight(look: Mapping[str, str]) -> dict[str, Any]:
    """What is to be said of a colour."""
    color = look.get("color", "")
    return {"sight": sight_of(color), "seen": SEEN} if COLOR.fullmatch(color) else {}


def _read_hours(said: Mapping[str, Any]) -> dict[str, Any]:
    found = HoursForm.read(said)
    return {"hours": [clean_zone(found["time_zone"]), clean_week(found["hours"]), clean_holidays(found["holidays"])]}


PREVIEWED: Final[dict[str, tuple[Callable[..., SeenForm], Callable[[Mapping[str, Any]], dict[str, Any]]]]] = {
    "look": (LookForm, lambda said: {"look": clean_look(LookForm.read(said))}),
    "texts": (TextsForm, lambda said: {"texts": clean_texts(TextsForm.read(said))}),
    "hours": (HoursForm, _read_hours),
}
