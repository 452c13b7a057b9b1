"""The first run: from the sign-up to the first message, one step after the other, each read from what is there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from chat.install import script_tag
from chat.selectors.embed_keys import keys_of
from chat.selectors.first_run import FirstSite, first_site
from chat.selectors.sample import sample_of
from chat.services.first_run import look_around, name_page
from saas.core.errors import AppError
from tenants import first_run
from tenants.access import Do
from tenants.authentication import agent_of, tenant_of
from tenants.context import TenantRef, in_tenant
from tenants.first_run import NEEDED, Progress, Step
from tenants.permissions import needs

TITLES: Final = {
    Step.SIGN_UP: "Sign up",
    Step.SITE: "Name the page that may show it",
    Step.SNIPPET: "Paste one line into that page",
    Step.TAG: "Open the page once",
    Step.MESSAGE: "Write the first message",
}
WAITS: Final = {Step.SNIPPET, Step.TAG, Step.MESSAGE}  # for something that happens elsewhere


@dataclass(frozen=True, slots=True)
class Shown:
    """A step as the page shows it."""

    name: str
    title: str
    since: datetime | None  # when it was taken
    is_next: bool

    @property
    def template(self) -> str:
        """What is said of it while it is next."""
        return f"start/step_{self.name}.html"


class AddressForm(forms.Form):
    """The page that may show the first site."""

    address = forms.CharField(
        label="Address of your page",
        max_length=300,
        help_text="Such as https://shop.example. Later you can add more, and name all below one with https://*.shop.example.",
        widget=forms.TextInput(
            attrs={"inputmode": "url", "autocapitalize": "none", "spellcheck": "false", "autocomplete": "url"}
        ),
        error_messages={"required": "Type the address of your page, such as https://shop.example."},
    )


@never_cache
@needs(Do.MANAGE_SITES)
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """What is done, and what is next."""
    return _page(request, AddressForm())


@never_cache
@needs(Do.MANAGE_SITES)
@require_GET
def steps(request: HttpRequest) -> HttpResponse:
    """The steps alone, if more of them are taken than whoever asks knows; else an empty 204."""
    tenant = tenant_of(request)
    progress = look_around(tenant)
    if request.GET.get("known") == str(len(progress.done)):
        return HttpResponse(status=204)
    return render(request, "start/steps.html", _context(tenant, progress, AddressForm()))


@needs(Do.MANAGE_SITES)
@require_POST
def address(request: HttpRequest) -> HttpResponse:
    """The page that may show the first site."""
    form = AddressForm(request.POST)
    if form.is_valid():
        try:
            name_page(tenant_of(request), agent_of(request), form.cleaned_data["address"])
            return redirect("start")
        except AppError as refusal:
            form.add_error("address", refusal.message)
    return _page(request, form, status=422)


@needs(Do.MANAGE_SITES)
@require_POST
def snippet(request: HttpRequest) -> HttpResponse:
    """The tag was pasted, says who did it."""
    first_run.keep(tenant_of(request).id, [Step.SNIPPET])
    return redirect("start")


@needs(Do.MANAGE_SITES)
@require_POST
def put_away(request: HttpRequest) -> HttpResponse:
    """The front page leads to the inbox from now on, or to the first run again."""
    tenant = tenant_of(request)
    if request.POST.get("again"):
        first_run.take_up(tenant.id)
        return redirect("start")
    first_run.put_away(tenant.id)
    messages.success(request, "Put away. You find it again under First steps.")
    return redirect("start")


def _page(request: HttpRequest, form: AddressForm, *, status: int = 200) -> HttpResponse:
    tenant = tenant_of(request)
    context = _context(tenant, look_around(tenant), form)
    with in_tenant(tenant):
        context["sample"] = sample_of(tenant.id)
    return render(request, "start/start.html", context, status=status)


def _context(tenant: TenantRef, progress: Progress, form: AddressForm) -> dict[str, Any]:
    with in_tenant(tenant):
        site = first_site()
    return {
        "section": "start",
        "steps": [_shown(step, progress) for step in NEEDED],
        "done": sum(step in progress.done for step in NEEDED),
        "known": len(progress.done),
        "progress": progress,
        "waits": progress.next in WAITS,
        "has_company": Step.INVITE in progress.done,
        "has_room": Step.ROOM in progress.done,
        "form": form,
        "site": site,
        "tag": _tag(tenant, site),
    }


def _shown(step: Step, progress: Progress) -> Shown:
    return Shown(name=step, title=TITLES[step], since=progress.done.get(step), is_next=step == progress.next)


def _tag(tenant: TenantRef, site: FirstSite | None) -> str:
    """With the site's key of this moment; empty without a site."""
    keys = keys_of(tenant, site.id) if site else []
    return next((script_tag(key.key) for key in keys if key.is_current), "")
