"""Deleting a room for good. What goes is said in numbers first."""

from dataclasses import asdict
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chat.pages.rooms.desk import page, room_on, show
from chat.pages.rooms.forms import SureForm
from chat.services.deletion import Losses, delete_room, what_goes
from saas.core.errors import AppError, NotFound
from saas.core.forms import UNPROCESSABLE
from tenants.access import Do
from tenants.authentication import agent_of, tenant_of
from tenants.pages.desk import refuse


@page("GET", "HEAD", "POST", do=Do.MANAGE_ROOMS)
def delete(request: HttpRequest, room_id: UUID) -> HttpResponse:
    """The question; its answer is the room's title."""
    room, form = room_on(request, room_id), SureForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            delete_room(tenant_of(request), agent_of(request), room_id=room_id, sure=form.cleaned_data["sure"])
        except NotFound:
            raise
        except AppError as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, f"{room.title} is gone, with all that was said in it.")
            return redirect("rooms")
    losses = what_goes(tenant_of(request), agent_of(request), room_id)
    status = UNPROCESSABLE if form.errors else 200
    return show(request, room, "room", template="room_delete", form=form, counts=_counts(losses), status=status)


def _counts(losses: Losses) -> list[tuple[int, str]]:
    """Each number with its word."""
    words = {
        "messages": ("message", "messages"),
        "people": ("person", "people"),
        "files": ("file", "files"),
        "reports": ("report", "reports"),
        "invitations": ("open invitation", "open invitations"),
    }
    numbers = asdict(losses)
    return [(numbers[name], one if numbers[name] == 1 else many) for name, (one, many) in words.items()]
