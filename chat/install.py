"""The page that puts a site into its owner's pages: the script tag, and which addresses may show it. On a tenant's host."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat.models import Site
from chat.services.sites import change_site
from saas.core.errors import BadFrame, Forbidden, NotFound
from tenants.access import Do, may
from tenants.authentication import member_of, tenant_of
from tenants.context import TenantRef, in_tenant
from tenants.models import EmbedKey
from tenants.permissions import member_required


class OriginsForm(forms.Form):
    """Which pages may show a site: one address per line."""

    site = forms.UUIDField(widget=forms.HiddenInput)
    origins = forms.CharField(
        label="Addresses that may show it",
        required=False,
        max_length=20_000,
        help_text="One per line, such as https://shop.example. With https://*.shop.example all below it may.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "none"}),
    )


@dataclass(frozen=True, slots=True)
class Installation:
    """A site as the page shows it."""

    id: UUID
    name: str
    tags: list[str]
    form: OriginsForm


@never_cache
@member_required
@require_http_methods(["GET", "POST"])
def install(request: HttpRequest) -> HttpResponse:
    """Read the tag; owners and admins say where it may stand."""
    tenant = tenant_of(request)
    may_change = may(member_of(request).role, Do.MANAGE_SITES)
    refused = None
    if request.method == "POST":
        if not may_change:
            return render(request, "403.html", status=Forbidden.status)
        refused = _change(tenant, OriginsForm(request.POST))
        if refused is None:
            messages.success(request, "Kept. Pages follow within a minute.")
            return redirect("install")
    context = {"sites": _installations(tenant, refused), "may_change": may_change}
    return render(request, "chat/install.html", context, status=422 if refused else 200)


def _change(tenant: TenantRef, form: OriginsForm) -> OriginsForm | None:
    """Keep what was said; the form with its error, if it cannot be."""
    if not form.is_valid():
        return form
    try:
        change_site(tenant, form.cleaned_data["site"], allowed_origins=form.cleaned_data["origins"].split())
    except (BadFrame, NotFound) as refusal:
        form.add_error("origins", refusal.message)
        return form
    return None


def _installations(tenant: TenantRef, refused: OriginsForm | None) -> list[Installation]:
    with in_tenant(tenant):
        sites = list(Site.objects.order_by("created_at"))
    keys = list(EmbedKey.objects.filter(tenant_id=tenant.id, revoked_at=None).order_by("created_at"))
    return [
        Installation(
            id=site.id,
            name=site.name,
            tags=[script_tag(key.key) for key in keys if key.site_id == site.id],
            form=_form_of(site, refused),
        )
        for site in sites
    ]


def _form_of(site: Site, refused: OriginsForm | None) -> OriginsForm:
    if refused is not None and refused.data.get("site") == str(site.id):
        return refused
    initial: dict[str, Any] = {"site": site.id, "origins": "\n".join(site.allowed_origins)}
    return OriginsForm(initial=initial, auto_id=f"{site.id}_%s")


def script_tag(key: str) -> str:
    """What is pasted into a page."""
    return f'<script async src="{settings.SCHEME}://{settings.WIDGET_HOST}/porchlight.js" data-key="{key}"></script>'
