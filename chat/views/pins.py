"""Pinned messages over HTTP."""

from typing import ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from chat.services.moderation import pin
from chat.views.acting import ActingView
from chat.views.body import Body, answer, ident, read, room_of
from tenants.access import Do
from tenants.authentication import principal_of, tenant_of
from tenants.permissions import Needs


class Pin(Body, frozen=True):
    """Which message."""

    message: UUID


class PinsView(ActingView):
    """`POST /api/v1/rooms/<id>/pins {message}`"""

    needs: ClassVar[Needs] = {"POST": Do.MODERATE}

    def post(self, request: Request, room_id: str) -> Response:
        seen, message = room_of(request, room_id), read(request, Pin).message
        return answer(room=pin(tenant_of(request), principal_of(request), room_id=seen, message_id=message, on=True))


class PinView(ActingView):
    """`DELETE /api/v1/rooms/<id>/pins/<message>`"""

    needs: ClassVar[Needs] = {"DELETE": Do.MODERATE}

    def delete(self, request: Request, room_id: str, message_id: str) -> Response:
        room, message = ident(room_id), ident(message_id, "message")
        return answer(room=pin(tenant_of(request), principal_of(request), room_id=room, message_id=message, on=False))
