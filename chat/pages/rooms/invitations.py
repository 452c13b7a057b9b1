"""Links into a community room. A link is shown once, when it is made: only a hash of its code is kept."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chat.models import Room
from chat.pages.rooms.desk import page, room_on, show
from chat.pages.rooms.forms import InvitationForm
from chat.selectors.invitations import usable
from chat.services.invitations import invite, take_back
from saas.core.errors import AppError, Conflict, NotFound
from saas.core.forms import UNPROCESSABLE
from saas.core.paging import numbered
from tenants.access import Do
from tenants.authentication import agent_of, tenant_of
from tenants.context import in_tenant
from tenants.pages.desk import refuse

MADE: Final = "invitation_made"  # where the session keeps the newest link and its room, until it was shown
IN_ADDRESS: Final = "#porchlight="  # before the code; what stands behind # is told to no server. The loader looks for it.


@page("GET", "HEAD", "POST", do=Do.MODERATE)
def invitations_of(request: HttpRequest, room_id: UUID) -> HttpResponse:
    """Those that can still be used, and a form for a new one, whose link the page after it shows once."""
    room = room_on(request, room_id)
    if room.kind != Room.Kind.COMMUNITY:
        raise Conflict("Every agent is in a team room already: nobody is invited to it.")
    form = InvitationForm(request.POST or None, initial={"page": _usual_page(room)}, site=room.site)
    if request.method == "POST" and form.is_valid() and (made := _made(request, room_id, form)):
        request.session[MADE] = {"room": str(room_id), "link": made}
        return redirect("room_invitations", room_id=room_id)
    with in_tenant(tenant_of(request)):
        found = numbered(usable(room_id), request.GET)
    context: dict[str, Any] = {"form": form, "link": _link(request, room_id), "page": found}
    return show(request, room, "room_invitations", status=UNPROCESSABLE if form.errors else 200, **context)


@page("POST", do=Do.MODERATE, back="room_invitations")
def withdraw(request: HttpRequest, room_id: UUID, invitation_id: UUID) -> HttpResponse:
    """The link works no more; who came by it stays."""
    take_back(tenant_of(request), agent_of(request), room_id=room_id, invitation_id=invitation_id)
    messages.success(request, "Withdrawn. Its link works no more; who came by it stays.")
    return redirect("room_invitations", room_id=room_id)


def _made(request: HttpRequest, room_id: UUID, form: InvitationForm) -> str:
    """The link of a new invitation; empty if it was refused."""
    said = form.cleaned_data
    try:
        made = invite(
            tenant_of(request), agent_of(request), room_id=room_id, expires_in=int(said["expires_in"]), uses=said["uses"]
        )
    except NotFound:
        raise
    except AppError as refusal:
        refuse(form, refusal)
        return ""
    return f"{said['page'].partition('#')[0]}{IN_ADDRESS}{made.code}"


def _link(request: HttpRequest, room_id: UUID) -> str:
    """The link that was just made for this room, the first time that somebody looks; else empty."""
    if request.method != "GET" or request.session.get(MADE, {}).get("room") != str(room_id):
        return ""
    return str(request.session.pop(MADE)["link"])


def _usual_page(room: Room) -> str:
    """The first page that may show the site, if one is named in full."""
    origins = room.site.allowed_origins if room.site else []
    return next((f"{origin}/" for origin in origins if "*" not in origin), "")
