"""What every page of a site begins and ends with."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from chat.models import Site
from chat.services.sites import Seen, change_site, logged
from saas.core.errors import AppError, NotFound
from saas.core.forms import SeenForm
from tenants.access import Do, may
from tenants.authentication import agent_of, member_of, tenant_of
from tenants.context import in_tenant
from tenants.pages.desk import who_changed

TABS: Final = {
    "site": "General",
    "site_look": "Look",
    "site_texts": "Texts",
    "site_hours": "Hours",
    "site_access": "Access",
    "site_install": "Install",
}
KEPT: Final = "Kept. Pages follow within a minute."


def site_on(request: HttpRequest, site_id: UUID) -> Site:
    """The site whose page this is. Raises NotFound."""
    with in_tenant(tenant_of(request)):
        site = Site.objects.filter(id=site_id).first()
    if site is None:
        raise NotFound("There is no such site.")
    return site


def show(request: HttpRequest, site: Site, tab: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """A page about one site, with its tabs for those who may open them."""
    tabs = [(reverse(name, args=[site.id]), words, name == tab) for name, words in TABS.items()]
    around = {"section": "sites", "site": site, "tabs": tabs if may(member_of(request).role, Do.MANAGE_SITES) else []}
    return render(request, f"sites/{tab.removeprefix('site_')}.html", around | context, status=status)


def keep(
    request: HttpRequest,
    site: Site,
    form: SeenForm,
    shown: Callable[[Site], Mapping[str, object]],
    read: Callable[[Mapping[str, Any]], dict[str, Any]],
) -> bool:
    """Store what the form says, which `read` makes of its cleaned data; False leaves the form with what is wrong."""
    if not form.is_valid():
        return False
    changes: dict[str, Any] = {}
    try:
        changes = read(form.cleaned_data)
        seen = Seen(form.cleaned_data["seen"], shown) if form.cleaned_data["seen"] else None
        change_site(tenant_of(request), site.id, by=agent_of(request), seen=seen, **changes)
    except NotFound:
        raise
    except AppError as refusal:
        refuse(form, refusal, by=who_changed(request, "site", site.id, "site.changed", fields=logged(changes)))
        return False
    return True


def done(request: HttpRequest, site: Site, tab: str, words: str = KEPT) -> HttpResponse:
    """Back on the page, with a word of what was done."""
    messages.success(request, words)
    return redirect(tab, site_id=site.id)


def refuse(form: SeenForm, refusal: AppError, *, by: str = "") -> None:
    """Show a service's refusal beside its field. Of `look.color` that is `color`, of `hours.0` the first time of that day."""
    whole, _, part = (refusal.field or "").rpartition(".")
    if whole == "hours":
        refusal.field = f"day{part}_0"
    elif whole:
        refusal.field = part
    form.refuse(refusal, by=by)
