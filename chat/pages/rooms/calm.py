"""Keeping order in one room: slow mode, the lock, what is pinned."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chat.models import Room
from chat.pages.rooms.desk import page, room_on, show
from chat.pages.rooms.forms import CalmForm
from chat.selectors.listing import pinned_in
from chat.selectors.queue import open_cases
from chat.services.moderation import pin
from chat.services.rooms import RoomChange, change_room
from saas.core.errors import AppError
from tenants.access import Do
from tenants.authentication import agent_of, tenant_of
from tenants.context import in_tenant
from tenants.pages.desk import who_changed


@page("GET", "HEAD", "POST", do=Do.MODERATE, back="room_moderation")
def moderation(request: HttpRequest, room_id: UUID) -> HttpResponse:
    """How loud the room may be, what is held up in it, and how much waits for a decision."""
    shown = room_on(request, room_id)
    form = CalmForm(request.POST or None, room=shown)
    if request.method == "POST" and form.is_valid():
        if _keep(request, shown, form):
            return redirect("room_moderation", room_id=room_id)
        shown = room_on(request, room_id)
    with in_tenant(tenant_of(request)):
        context: dict[str, Any] = {"pinned": pinned_in(shown), "open_cases": open_cases(room_id)}
    return show(request, shown, "room_moderation", form=form, status=form.status, **context)


@page("POST", do=Do.MODERATE, back="room_moderation")
def unpin(request: HttpRequest, room_id: UUID, message_id: UUID) -> HttpResponse:
    """Take a pinned message down."""
    pin(tenant_of(request), agent_of(request), room_id=room_id, message_id=message_id, on=False)
    messages.success(request, "Taken down. The message itself is still there.")
    return redirect("room_moderation", room_id=room_id)


def _keep(request: HttpRequest, room: Room, form: CalmForm) -> bool:
    said = form.cleaned_data
    change = RoomChange(slow_seconds=said["slow_seconds"], locked=said["locked"])
    try:
        change_room(tenant_of(request), agent_of(request), room_id=room.id, change=change, seen=said["seen"])
    except AppError as refusal:
        form.refuse(refusal, by=who_changed(request, "room", room.id, "room.changed", fields=form.fields))
        return False
    messages.success(request, "Kept. It counts from the next message on.")
    return True
