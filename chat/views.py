"""The inbox page and the chat's HTTP API, on a tenant's host. Input -> one service or selector -> output."""

import re
from typing import Any, Final
from uuid import UUID

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat import selectors
from chat.install import script_tag
from chat.models import Room
from chat.realtime.presence import is_here
from chat.services.rooms import set_status
from saas.core.errors import BadFrame, NotFound
from tenants.authentication import member_of, principal_of, tenant_of
from tenants.context import TenantRef, in_tenant
from tenants.permissions import member_required

API: Final = "/api/v1"
END: Final = 2**53 - 1  # after every seq


@never_cache
@member_required
@require_GET
def inbox(request: HttpRequest, room_id: UUID | None = None) -> HttpResponse:
    """The one live page. Which room is open is the script's matter; every such address is this page."""
    return render(request, "chat/inbox.html", {"boot": _boot(request)})


class RoomsView(APIView):
    """`GET /api/v1/rooms?status=open|resolved|all&cursor=`"""

    def get(self, request: Request) -> Response:
        status = request.query_params.get("status", "all")
        cursor = request.query_params.get("cursor")
        with in_tenant(tenant_of(request)):
            rooms, onward = selectors.summaries(principal_of(request), cursor=cursor, status=None if status == "all" else status)
        return _answer(rooms=rooms, cursor=onward)


class RoomView(APIView):
    """`GET /api/v1/rooms/<id>`"""

    def get(self, request: Request, room_id: str) -> Response:
        tenant, ident = tenant_of(request), _room_id(room_id)
        with in_tenant(tenant):
            room = selectors.summary_of(ident, principal_of(request))
            visitor = selectors.visitor_panel(ident)
        return _answer(room=room, visitor=visitor and _visitor(tenant, visitor))


class MessagesView(APIView):
    """`GET /api/v1/rooms/<id>/messages?before=`; without `before` the newest page."""

    def get(self, request: Request, room_id: str) -> Response:
        before = _seq(request.query_params.get("before"))
        with in_tenant(tenant_of(request)):
            messages, more = selectors.history(principal_of(request), _room_id(room_id), before=before)
        return _answer(messages=messages, more=more)


class ResolveView(APIView):
    """`POST /api/v1/rooms/<id>/resolve`"""

    status = Room.Status.RESOLVED

    def post(self, request: Request, room_id: str) -> Response:
        room = set_status(tenant_of(request), principal_of(request), room_id=_room_id(room_id), status=self.status)
        return _answer(room=room)


class ReopenView(ResolveView):
    """`POST /api/v1/rooms/<id>/reopen`"""

    status = Room.Status.OPEN


def _boot(request: HttpRequest) -> dict[str, Any]:
    """What the page's script starts from."""
    tenant, member = tenant_of(request), member_of(request)
    return {
        "user": {"id": str(member.user_id), "name": member.name, "email": member.email},
        "role": member.role,
        "tenant": {"id": str(tenant.id), "slug": tenant.slug, "name": tenant.name},
        "api": API,
        "csrf": get_token(request),
        "socket": f"{'wss' if settings.SECURE else 'ws'}://{request.get_host()}/ws/agent/",
        **_tag(tenant),
    }


def _tag(tenant: TenantRef) -> dict[str, str]:
    """The script tag of the tenant's first site, to be pasted."""
    key = selectors.first_embed_key(tenant.id)
    return {"tag": script_tag(key)} if key else {}


def _visitor(tenant: TenantRef, visitor: selectors.VisitorPanel) -> dict[str, Any]:
    return {**msgspec.to_builtins(visitor), "online": is_here(tenant.id, visitor.id)}


def _answer(**parts: Any) -> Response:
    return Response(msgspec.to_builtins(parts))


def _room_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is no such room.") from None


def _seq(text: str | None) -> int:
    if not text:
        return END
    if not re.fullmatch(r"[0-9]{1,16}", text):
        raise BadFrame("`before` is the number of a message.", field="before")
    return min(int(text), END)
