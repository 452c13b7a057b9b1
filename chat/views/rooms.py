"""Rooms over HTTP: lists, one room with its visitor, its messages, its status."""

import re
from typing import Any, ClassVar, Final, Literal
from uuid import UUID

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat import selectors
from chat.models import Room
from chat.realtime.presence import is_here
from chat.services.assignment import assign_room
from chat.services.deletion import delete_room
from chat.services.order import goal_of, move_room
from chat.services.rooms import RoomChange, archive_room, change_room, create_room, set_status
from chat.views.acting import ActingView
from chat.views.body import Body, answer, ident, read, room_of
from saas.core.errors import BadFrame
from tenants.access import Do
from tenants.authentication import principal_of, tenant_of
from tenants.context import TenantRef, in_tenant
from tenants.permissions import Needs

END: Final = 2**53 - 1  # after every seq


class NewRoom(Body, frozen=True):
    """`join_rule` and `slow_seconds` are for community rooms."""

    kind: Literal["community", "team"]
    title: str
    site: UUID | None = None
    join_rule: Literal["open", "identified", "invited"] = "open"
    slow_seconds: int = 0


class Calm(Body, frozen=True):
    """How loud a community room may be: what its moderators may change."""

    slow_seconds: int | None = None
    locked: bool | None = None


class ChangedRoom(Calm, frozen=True):
    """What is named changes."""

    title: str | None = None
    join_rule: Literal["open", "identified", "invited"] | None = None


class Sure(Body, frozen=True):
    """The title of the room that goes."""

    sure: str


class RoomsView(ActingView):
    """`GET /api/v1/rooms?status=open|resolved|all&kind=support,community,team&cursor=`; `POST` makes a community or team room."""

    needs: ClassVar[Needs] = {"GET": Do.READ_ROOMS, "POST": Do.MANAGE_ROOMS}

    def get(self, request: Request) -> Response:
        query = request.query_params
        status, kinds = query.get("status", "all"), query.get("kind")
        with in_tenant(tenant_of(request)):
            rooms, onward = selectors.summaries(
                principal_of(request),
                cursor=query.get("cursor"),
                status=None if status == "all" else status,
                kinds=kinds.split(",") if kinds else None,
            )
        return answer(rooms=rooms, cursor=onward)

    def post(self, request: Request) -> Response:
        asked = read(request, NewRoom)
        room = create_room(
            tenant_of(request),
            principal_of(request),
            kind=asked.kind,
            title=asked.title,
            site_id=asked.site,
            join_rule=asked.join_rule,
            slow_seconds=asked.slow_seconds,
        )
        return answer(201, room=room)


class RoomView(ActingView):
    """`GET /api/v1/rooms/<id>`; `PATCH`, and `DELETE {sure}` with its title, for a community or team room."""

    needs: ClassVar[Needs] = {"GET": Do.READ_ROOMS, "PATCH": Do.MODERATE, "DELETE": Do.MANAGE_ROOMS}

    def get(self, request: Request, room_id: str) -> Response:
        tenant, room = tenant_of(request), ident(room_id)
        with in_tenant(tenant):
            summary = selectors.summary_of(room, principal_of(request))
            visitor = selectors.visitor_panel(room)
        return answer(room=summary, visitor=visitor and _visitor(tenant, visitor))

    def patch(self, request: Request, room_id: str) -> Response:
        seen, asked = room_of(request, room_id), read(request, ChangedRoom)
        change = RoomChange(**msgspec.structs.asdict(asked))
        return answer(room=change_room(tenant_of(request), principal_of(request), room_id=seen, change=change))

    def delete(self, request: Request, room_id: str) -> Response:
        seen, asked = room_of(request, room_id), read(request, Sure)
        lost = delete_room(tenant_of(request), principal_of(request), room_id=seen, sure=asked.sure)
        return answer(deleted=lost)


class MessagesView(APIView):
    """`GET /api/v1/rooms/<id>/messages?before=&author=`; without `before` the newest page, with `author` of one person's."""

    needs: ClassVar[Needs] = {"GET": Do.READ_ROOMS}

    def get(self, request: Request, room_id: str) -> Response:
        who, room, before = principal_of(request), ident(room_id), _seq(request.query_params.get("before"))
        author = request.query_params.get("author")
        with in_tenant(tenant_of(request)):
            if author:
                messages, more = selectors.messages_of(who, room, ident(author, "person"), before=before)
            else:
                messages, more = selectors.history(who, room, before=before)
        return answer(messages=messages, more=more)


class ResolveView(APIView):
    """`POST /api/v1/rooms/<id>/resolve`"""

    needs: ClassVar[Needs] = {"POST": Do.ANSWER}

    status = Room.Status.RESOLVED

    def post(self, request: Request, room_id: str) -> Response:
        room = set_status(tenant_of(request), principal_of(request), room_id=ident(room_id), status=self.status)
        return answer(room=room)


class ReopenView(ResolveView):
    """`POST /api/v1/rooms/<id>/reopen`"""

    status = Room.Status.OPEN


class Holder(Body, frozen=True):
    """An agent, or null for nobody."""

    agent: UUID | None


class AssignView(ActingView):
    """`POST /api/v1/rooms/<id>/assign {agent}`: who of the team holds the room."""

    needs: ClassVar[Needs] = {"POST": Do.ANSWER}

    def post(self, request: Request, room_id: str) -> Response:
        seen, asked = room_of(request, room_id), read(request, Holder)
        return answer(room=assign_room(tenant_of(request), principal_of(request), room_id=seen, agent_id=asked.agent))


class ArchiveView(ActingView):
    """`POST /api/v1/rooms/<id>/archive`"""

    needs: ClassVar[Needs] = {"POST": Do.MANAGE_ROOMS}

    archived = True

    def post(self, request: Request, room_id: str) -> Response:
        tenant, who = tenant_of(request), principal_of(request)
        return answer(room=archive_room(tenant, who, room_id=ident(room_id), archived=self.archived))


class UnarchiveView(ArchiveView):
    """`POST /api/v1/rooms/<id>/unarchive`"""

    archived = False


class Goal(Body, frozen=True):
    """A step, or the id of the room whose place it takes."""

    to: str


class MoveView(ActingView):
    """`POST /api/v1/rooms/<id>/move {to}`: where visitors find it among the community rooms of its site; its place from 1 on."""

    needs: ClassVar[Needs] = {"POST": Do.MANAGE_ROOMS}

    def post(self, request: Request, room_id: str) -> Response:
        seen, asked = room_of(request, room_id), read(request, Goal)
        return answer(place=move_room(tenant_of(request), principal_of(request), room_id=seen, to=goal_of(asked.to)))


def _visitor(tenant: TenantRef, visitor: selectors.VisitorPanel) -> dict[str, Any]:
    return {**msgspec.to_builtins(visitor), "online": is_here(tenant, visitor.id)}


def _seq(text: str | None) -> int:
    if not text:
        return END
    if not re.fullmatch(r"[0-9]{1,16}", text):
        raise BadFrame("`before` is the number of a message.", field="before")
    return min(int(text), END)
