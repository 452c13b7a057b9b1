"""Notifications over HTTP: the list of the one who asks, what they have seen, and what they want to hear of."""

from typing import ClassVar
from uuid import UUID

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.notifications import CATEGORIES, Told, change_settings, see, settings_of, told, unread
from chat.views.body import Body, answer, read
from saas.core.errors import BadFrame
from tenants.access import Do
from tenants.authentication import principal_of, tenant_of
from tenants.context import in_tenant
from tenants.permissions import Needs


class NotificationsView(APIView):
    """`GET /api/v1/notifications?cursor=`: newest first, seen ones for 90 days."""

    needs: ClassVar[Needs] = {"GET": Do.READ_ROOMS}

    def get(self, request: Request) -> Response:
        me, cursor = principal_of(request).id, request.query_params.get("cursor")
        with in_tenant(tenant_of(request)):
            found, onward = told(me, cursor)
            left = unread(me)
        return answer(notifications=[_shown(one) for one in found], cursor=onward, unread=left)


class SeenBody(Body, frozen=True):
    """One of the two."""

    id: UUID | None = None
    all: bool = False


class SeenView(APIView):
    """`POST /api/v1/notifications/seen {id}` or `{all: true}`; the open sockets of the one who asks hear of it."""

    needs: ClassVar[Needs] = {"POST": Do.READ_ROOMS}

    def post(self, request: Request) -> Response:
        said = read(request, SeenBody)
        if (said.id is None) != said.all:
            raise BadFrame("Name one notification, or say all.", field="id")
        return answer(unread=see(tenant_of(request), principal_of(request).id, said.id))


class WantedBody(Body, frozen=True):
    settings: dict[str, bool]


class SettingsView(APIView):
    """`GET /api/v1/notifications/settings`, and `PUT {settings: {category: bool}}`: what is not named stays."""

    needs: ClassVar[Needs] = {"GET": Do.READ_ROOMS, "PUT": Do.READ_ROOMS}

    def get(self, request: Request) -> Response:
        with in_tenant(tenant_of(request)):
            return _settings(request)

    def put(self, request: Request) -> Response:
        wanted = read(request, WantedBody).settings
        with in_tenant(tenant_of(request)):
            change_settings(principal_of(request).id, wanted)
            return _settings(request)


def _settings(request: Request) -> Response:
    me = principal_of(request)
    wanted = settings_of(me.id, me.role or "")
    return answer(categories=[{"name": name, "label": CATEGORIES[name].label, "wanted": want} for name, want in wanted.items()])


def _shown(one: Told) -> dict[str, object]:
    said = {key: value for key, value in msgspec.to_builtins(one.notice).items() if key != "t"}
    return {**said, "category": one.category, "seen_at": one.seen_at}
