"""All rooms: what they are, in which order visitors find them, and making a new one."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from chat.models import Site
from chat.pages.rooms.desk import page
from chat.pages.rooms.forms import NewRoomForm
from chat.selectors.listing import rooms_listed, sites
from chat.services.order import goal_of, move_room
from chat.services.rooms import LONGEST_TITLE, create_room
from saas.core.errors import AppError
from saas.core.forms import UNPROCESSABLE
from saas.core.paging import numbered, with_query
from tenants.access import Do
from tenants.authentication import agent_of, tenant_of
from tenants.context import in_tenant
from tenants.pages.desk import refuse

TABS: Final = {"community": "Community", "team": "Team", "archived": "Archived"}


@page("GET", "HEAD", do=Do.READ_ROOMS)
def listing(request: HttpRequest) -> HttpResponse:
    """Community rooms of one site, team rooms, or what is archived."""
    return render(request, "rooms/rooms.html", _listed(request, request.GET))


@page("GET", "HEAD", "POST", do=Do.MANAGE_ROOMS, back="rooms")
def new(request: HttpRequest) -> HttpResponse:
    """A new room."""
    with in_tenant(tenant_of(request)):
        known = sites()
    first = {name: request.GET[name] for name in ("kind", "site") if name in request.GET}
    form = NewRoomForm(request.POST or None, initial=first, sites=known)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_room(tenant_of(request), agent_of(request), **form.values)
        except AppError as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, f"{made.title} is open.")
            return redirect("room", room_id=made.id)
    context = {"section": "rooms", "form": form, "sites": known}
    return render(request, "rooms/new.html", context, status=UNPROCESSABLE if form.errors else 200)


@page("POST", do=Do.MANAGE_ROOMS, back="rooms")
def move(request: HttpRequest, room_id: UUID) -> HttpResponse:
    """A step up or down, to an end, or to where another room stands; the list comes back with the room where it is now."""
    move_room(tenant_of(request), agent_of(request), room_id=room_id, to=goal_of(request.POST.get("to", "")))
    query = QueryDict(request.POST.get("query", ""))
    if getattr(request, "htmx", False):
        return render(request, "rooms/part_list.html", _listed(request, query) | {"moved": room_id})
    return redirect(f"{reverse('rooms')}?{query.urlencode()}#room-{room_id}")


def _listed(request: HttpRequest, asked: QueryDict) -> dict[str, Any]:
    shown = asked.get("show", "") if asked.get("show") in TABS else "community"
    named = asked.get("named", "").replace("\0", "").strip()[:LONGEST_TITLE]  # a form carries a query that nobody looked at
    with in_tenant(tenant_of(request)):
        known = sites()
        site = _site(known, asked.get("site", ""))
        found = numbered(rooms_listed(shown, site_id=site.id if site else None, named=named), asked)
    return {
        "section": "rooms",
        "page": found,
        "query": asked.urlencode(),
        "shown": shown,
        "named": named,
        "sites": known,
        "site": site,
        "tabs": [(with_query(asked, show=name, page=None, named=None), words, name == shown) for name, words in TABS.items()],
    }


def _site(known: list[Site], asked: str) -> Site | None:
    """The site that is asked for, else the first."""
    return next((site for site in known if str(site.id) == asked), known[0] if known else None)
