"""What every page of rooms and of moderation begins and ends with."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from chat.limits import MODERATION_PER_PERSON
from chat.models import Room
from saas.core.errors import AppError, NotFound
from saas.core.ratelimit import check
from tenants.access import Do
from tenants.authentication import member_of, tenant_of
from tenants.context import in_tenant
from tenants.pages import desk
from tenants.permissions import READING

Page = Callable[..., HttpResponse]

TABS: Final = {
    "room": "General",
    "room_people": "People",
    "room_invitations": "Invitations",
    "room_moderation": "Moderation",
    "room_embed": "Embed",
}
OF_TEAM: Final = ("room", "room_moderation")  # a team room has every agent in it, and stands on no site


def page(*methods: str, do: Do, to_change: Do | None = None, back: str = "room") -> Callable[[Page], Page]:
    """A page for members who may do this. What is not the tenant's is a 404; a service's refusal that the page does not show
    itself is told on the page named `back`, and so is, over htmx, what is gone: nobody would see that answer. Changes count
    against the person's limit.
    """

    def wrap(view: Page) -> Page:
        @wraps(view)
        def gate(request: HttpRequest, /, **kwargs: Any) -> HttpResponse:
            try:
                if request.method not in READING:
                    check(MODERATION_PER_PERSON, tenant_of(request).id, member_of(request).user_id)
                return view(request, **kwargs)
            except NotFound as gone:
                if not getattr(request, "htmx", False):
                    raise
                return _tell(request, gone, _address(back, kwargs))
            except AppError as refusal:
                return _tell(request, refusal, _address(back, kwargs))

        return desk.page(*methods, do=do, to_change=to_change)(gate)

    return wrap


def room_on(request: HttpRequest, room_id: UUID) -> Room:
    """The community or team room whose page this is, with its site. Raises NotFound: a visitor's room has no such page."""
    kinds = (Room.Kind.COMMUNITY, Room.Kind.TEAM)
    with in_tenant(tenant_of(request)):
        room = Room.objects.select_related("site").filter(id=room_id, kind__in=kinds, notes_of=None).first()
    if room is None:
        raise NotFound("There is no such room.")
    return room


def show(request: HttpRequest, room: Room, tab: str, *, template: str = "", status: int = 200, **context: Any) -> HttpResponse:
    """A page about one room, with the tabs of its kind."""
    shown = TABS if room.kind == Room.Kind.COMMUNITY else {name: TABS[name] for name in OF_TEAM}
    tabs = [(reverse(name, args=[room.id]), words, name == tab) for name, words in shown.items()]
    around = {"section": "rooms", "room": room, "tabs": tabs}
    return render(request, f"rooms/{template or tab}.html", around | context, status=status)


def _tell(request: HttpRequest, refusal: AppError, address: str) -> HttpResponse:
    messages.error(request, refusal.message)
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(address)
    return redirect(address)


def _address(name: str, kwargs: dict[str, Any]) -> str:
    """The page of the same room, where there is one."""
    of_room = {"room_id": kwargs["room_id"]} if name.startswith("room") and name != "rooms" else {}
    return reverse(name, kwargs=of_room)
