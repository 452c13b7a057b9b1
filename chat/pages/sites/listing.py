"""All sites of a tenant, and making one more."""

from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from billing.standing import standing_of
from chat.hours import hours_of, outlook
from chat.looks import DEFAULT_LOOK
from chat.models import Site, TagSeen
from chat.pages.sites.forms import NewSiteForm
from chat.services.sites import create_site
from saas.core.errors import AppError
from saas.core.forms import UNPROCESSABLE
from tenants.access import Do
from tenants.authentication import agent_of, tenant_of
from tenants.context import in_tenant
from tenants.pages.desk import page, refuse


@dataclass(frozen=True, slots=True)
class Row:
    """A site as the list shows it."""

    site: Any  # with `page` and `seen_at` of where its tag was seen last
    color: str
    hours: str  # open, closed, or empty: none are kept


@page("GET", "HEAD", do=Do.MANAGE_SITES)
def listing(request: HttpRequest) -> HttpResponse:
    """Each site with what is missing before visitors can write."""
    tenant, now = tenant_of(request), timezone.now()
    seen = TagSeen.objects.filter(site=OuterRef("id")).order_by("-seen_at")
    with in_tenant(tenant):
        sites = list(
            Site.objects.annotate(page=Subquery(seen.values("page")[:1]), seen_at=Subquery(seen.values("seen_at")[:1])).order_by(
                "created_at", "id"
            )
        )
    rows = [Row(site, site.look.get("color", DEFAULT_LOOK["color"]), _hours(site, now)) for site in sites]
    return render(request, "sites/sites.html", {"section": "sites", "rows": rows, **_room_for_more(tenant.id, len(sites))})


@page("GET", "HEAD", "POST", do=Do.MANAGE_SITES)
def new(request: HttpRequest) -> HttpResponse:
    """One more site; its tag comes next."""
    form = NewSiteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        origins = said["allowed_origins"].split()
        try:
            made = create_site(tenant_of(request), name=said["name"], allowed_origins=origins, by=agent_of(request))
        except AppError as refusal:
            refuse(form, refusal)
        else:
            return redirect("site_install", site_id=made.site_id)
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "sites/new.html", {"section": "sites", "form": form}, status=status)


def _hours(site: Site, now: Any) -> str:
    if not site.time_zone:
        return ""
    return "open" if outlook(hours_of(site.time_zone, site.hours, site.holidays), now).is_open else "closed"


def _room_for_more(tenant_id: Any, used: int) -> dict[str, Any]:
    plan = standing_of(tenant_id).plan
    return {"plan": plan, "used": used, "is_full": plan.sites is not None and used >= plan.sites}
