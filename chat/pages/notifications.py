"""The bell of every page, and the page behind it: what somebody was told, and what they want to hear of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chat.notifications import CATEGORIES, Told, change_settings, see, settings_of, told, unread, url_of
from saas.core.errors import BadFrame, NotFound
from saas.core.paging import Page, with_query
from tenants.access import Do
from tenants.authentication import member_of, tenant_of
from tenants.context import in_tenant
from tenants.permissions import needs

IN_BELL: Final = 8  # notifications below the bell
ICONS: Final = {
    "rooms": "message-circle",
    "messages": "mail",
    "mentions": "at-sign",
    "assignments": "user-check",
    "moderation": "shield",
    "billing": "receipt",
    "system": "info",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A notification as a list shows it."""

    id: UUID
    title: str
    body: str
    category: str  # in words
    icon: str
    at: datetime
    is_new: bool
    actions: list[dict[str, str]]


class FilterForm(forms.Form):
    """Which of them are listed."""

    category = forms.ChoiceField(
        label="About", required=False, choices=[("", "Everything"), *((one.name, one.label) for one in CATEGORIES.values())]
    )


class WantedForm(forms.Form):
    """One box for each category."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for category in CATEGORIES.values():
            self.fields[category.name] = forms.BooleanField(label=category.label, required=False)


@never_cache
@needs(Do.READ_ROOMS)
@require_GET
def notifications(request: HttpRequest) -> HttpResponse:
    """All of them, or the new ones, or those of one category, newest first; fifty at a time."""
    me, form = member_of(request).user_id, FilterForm(request.GET)
    page: Page[Shown] = Page([], "", "")
    with in_tenant(tenant_of(request)):
        if form.is_valid():
            page = _listed(me, form, request.GET)
        context = {"page": page, "unread": unread(me), "form": form, "only_new": request.GET.get("new") == "1"}
    return _page(request, "start/notifications.html", context, status=422 if form.errors else 200)


@never_cache
@needs(Do.READ_ROOMS)
@require_GET
def bell(request: HttpRequest) -> HttpResponse:
    """The newest of them, as the bell shows them, with how many are new."""
    return render(request, "console/bell_list.html", _newest(request))


@never_cache
@needs(Do.READ_ROOMS)
@require_GET
def open_notification(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    """Follow one: it is seen, and the page that it is about opens."""
    tenant, me = tenant_of(request), member_of(request).user_id
    try:
        with in_tenant(tenant):
            url = url_of(me, notification_id)
    except NotFound:
        return render(request, "404.html", status=NotFound.status)
    see(tenant, me, notification_id)
    return HttpResponseRedirect(url)


@needs(Do.READ_ROOMS)
@require_POST
def seen(request: HttpRequest) -> HttpResponse:
    """One of them, or all, were seen; then the bell again, or the list as it was filtered."""
    given = request.POST.get("id", "")
    try:
        one = UUID(given) if given else None
    except ValueError:
        return render(request, "404.html", status=NotFound.status)
    see(tenant_of(request), member_of(request).user_id, one)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "console/bell_list.html", _newest(request))
    return redirect(f"{reverse('notifications')}{with_query(request.GET)}")


@never_cache
@needs(Do.READ_ROOMS)
@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """What one wants to hear of."""
    member = member_of(request)
    with in_tenant(tenant_of(request)):
        form = WantedForm(request.POST if request.method == "POST" else None, initial=settings_of(member.user_id, member.role))
        if request.method == "POST":
            form.full_clean()
            change_settings(member.user_id, {name: bool(form.cleaned_data[name]) for name in CATEGORIES})
    if request.method == "POST":
        messages.success(request, "Kept. It holds from now on.")
        return redirect("notification_settings")
    return _page(request, "start/notification_settings.html", {"form": form})


def _listed(me: UUID, form: FilterForm, query: QueryDict) -> Page[Shown]:
    """What is asked for, in the tenant. Where a list goes on that is not ours, the form says so."""
    after, category = query.get("after") or None, form.cleaned_data["category"] or None
    try:
        found, onward = told(me, after, category=category, only_unseen=query.get("new") == "1")
    except BadFrame:
        form.add_error(None, "This part of the list is not there. Begin at the newest.")
        return Page([], "", "")
    earlier = with_query(query, after=None) if after else ""
    return Page([_shown(one) for one in found], earlier, with_query(query, after=onward) if onward else "")


def _newest(request: HttpRequest) -> dict[str, Any]:
    me = member_of(request).user_id
    with in_tenant(tenant_of(request)):
        found, _ = told(me, None, limit=IN_BELL)
        return {"rows": [_shown(one) for one in found], "unread": unread(me)}


def _page(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return render(request, template, {"section": "notifications", **context}, status=status)


def _shown(one: Told) -> Shown:
    return Shown(
        id=one.notice.id,
        title=one.notice.title,
        body=one.notice.body,
        category=CATEGORIES[one.category].label,
        icon=ICONS[one.category],
        at=datetime.fromisoformat(one.notice.ts),
        is_new=one.seen_at is None,
        actions=[action for action in one.notice.actions if action["url"] != one.notice.url],
    )
