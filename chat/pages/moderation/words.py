"""The words that a site refuses in its community rooms."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from chat.models import Site
from chat.pages.rooms.desk import page
from chat.selectors.listing import sites
from chat.selectors.words import LONGEST, MOST
from chat.services.words import set_words, words_of
from saas.core.errors import AppError, NotFound
from saas.core.forms import SeenForm
from tenants.access import Do
from tenants.authentication import agent_of, tenant_of
from tenants.context import in_tenant
from tenants.pages.desk import who_changed


class WordsForm(SeenForm):
    """The list, a word on each line."""

    words = forms.CharField(
        label="Refused words",
        required=False,
        max_length=4 * MOST * LONGEST,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false", "autocapitalize": "none", "dir": "auto"}),
        help_text=f"One on each line, at most {MOST} of {LONGEST} characters. A * at the end stands for any ending.",
    )


@page("GET", "HEAD", do=Do.MODERATE, back="moderation")
def first(request: HttpRequest) -> HttpResponse:
    """The list of the first site."""
    with in_tenant(tenant_of(request)):
        known = sites()
    if not known:
        return render(request, "moderation/words.html", {"section": "moderation", "sites": known})
    return redirect("moderation_words_of", site_id=_chosen(known, request.GET.get("site", "")).id)


@page("GET", "HEAD", "POST", do=Do.MODERATE, to_change=Do.MANAGE_SITES, back="moderation")
def of_site(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """Read by who moderates, changed by who manages sites."""
    tenant, me = tenant_of(request), agent_of(request)
    stored = words_of(tenant, me, site_id)
    form = WordsForm(request.POST or None, shown={"words": stored}, initial={"words": "\n".join(stored)})
    if request.method == "POST" and form.is_valid() and _keep(request, site_id, form):
        return redirect("moderation_words_of", site_id=site_id)
    with in_tenant(tenant):
        known = sites()
    site = next(one for one in known if one.id == site_id)
    context = {"section": "moderation", "sites": known, "site": site, "form": form, "stored": stored}
    return render(request, "moderation/words.html", context, status=form.status)


def _keep(request: HttpRequest, site_id: UUID, form: WordsForm) -> bool:
    said = form.cleaned_data
    lines = [line for line in said["words"].splitlines() if line.strip()]
    try:
        kept = set_words(tenant_of(request), agent_of(request), site_id, lines, seen=said["seen"])
    except NotFound:
        raise
    except AppError as refusal:
        form.refuse(refusal, by=who_changed(request, "site", site_id, "words.changed"))
        return False
    messages.success(request, f"Kept: {len(kept)} {'word' if len(kept) == 1 else 'words'}. It counts from the next message on.")
    return True


def _chosen(known: list[Site], asked: str) -> Site:
    return next((site for site in known if str(site.id) == asked), known[0])
