"""One room: what it is called, who may join, and closing it for a while."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chat.models import Room
from chat.pages.rooms.desk import page, room_on, show
from chat.pages.rooms.forms import RoomForm
from chat.services.rooms import RoomChange, archive_room, change_room
from saas.core.errors import AppError
from tenants.access import Do
from tenants.authentication import agent_of, tenant_of
from tenants.pages.desk import who_changed


@page("GET", "HEAD", "POST", do=Do.READ_ROOMS, to_change=Do.MANAGE_ROOMS)
def room(request: HttpRequest, room_id: UUID) -> HttpResponse:
    """Its facts, and the form of them for whoever may change it."""
    shown = room_on(request, room_id)
    form = RoomForm(request.POST or None, room=shown)
    if request.method == "POST" and form.is_valid():
        if _keep(request, shown, form):
            return redirect("room", room_id=room_id)
        shown = room_on(request, room_id)
    return show(request, shown, "room", form=form, status=form.status)


@page("POST", do=Do.MANAGE_ROOMS)
def archive(request: HttpRequest, room_id: UUID) -> HttpResponse:
    """Close it for new messages, or open it again."""
    closes = request.POST.get("archived") == "yes"
    changed = archive_room(tenant_of(request), agent_of(request), room_id=room_id, archived=closes)
    said = "is archived: everybody can read it, nobody can write." if closes else "is open again."
    messages.success(request, f"{changed.title} {said}")
    return redirect("room", room_id=room_id)


def _keep(request: HttpRequest, room: Room, form: RoomForm) -> bool:
    said = form.cleaned_data
    change = RoomChange(title=said["title"], join_rule=said.get("join_rule"))
    try:
        change_room(tenant_of(request), agent_of(request), room_id=room.id, change=change, seen=said["seen"])
    except AppError as refusal:
        form.refuse(refusal, by=who_changed(request, "room", room.id, "room.changed", fields=form.fields))
        return False
    messages.success(request, "Kept. Everybody in the room sees it now.")
    return True
