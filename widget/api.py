"""What a visitor does without a socket: community rooms, invitations, and keeping order where they are moderators.

The services are those of the team's HTTP API; what a moderator may do stands in `chat/access.py`.
"""

from typing import Any

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.access import Act, room_to
from chat.selectors.members import members_of
from chat.selectors.rooms import community_rooms
from chat.services.invitations import accept
from chat.services.members import leave_room, remove_member, set_member
from chat.services.moderation import pin, report_message
from chat.services.rooms import RoomChange, change_room
from chat.views.body import answer, ident, nothing, read
from chat.views.members import Restraint
from chat.views.pins import Pin
from chat.views.reports import Complaint
from chat.views.rooms import Calm
from saas.core.errors import TooLarge
from saas.core.http import client_ip
from saas.core.ratelimit import check
from tenants.context import in_tenant
from widget import limits
from widget.authentication import IsVisitor, VisitorAuthentication, visit_of


class VisitorView(APIView):
    """Behind a visitor's session token; so many requests of one visitor, of so many bytes."""

    authentication_classes = (VisitorAuthentication,)
    permission_classes = (IsVisitor,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        visit = visit_of(request)
        check(limits.API_VISITOR, visit.tenant.id, visit.visitor.id)
        declared = request.headers.get("Content-Length") or "0"
        if not declared.isdecimal() or int(declared) > limits.MAX_BODY:
            raise TooLarge(f"A request has at most {limits.MAX_BODY} bytes.")

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        response.headers["Cache-Control"] = "no-store"
        return super().finalize_response(request, response, *args, **kwargs)


class RoomsView(VisitorView):
    """`GET /w/<key>/rooms?cursor=`: the community rooms that I may join, each with `joined`."""

    def get(self, request: Request, key: str) -> Response:
        visit = visit_of(request)
        with in_tenant(visit.tenant):
            found, cursor = community_rooms(visit.visitor, cursor=request.query_params.get("cursor"))
        rooms = [{**msgspec.to_builtins(room), "joined": joined} for room, joined in found]
        return answer(rooms=rooms, cursor=cursor)


class RoomView(VisitorView):
    """`PATCH /w/<key>/rooms/<id> {slow_seconds?, locked?}`: a moderator's."""

    def patch(self, request: Request, key: str, room_id: str) -> Response:
        visit, asked = visit_of(request), read(request, Calm)
        change = RoomChange(slow_seconds=asked.slow_seconds, locked=asked.locked)
        return answer(room=change_room(visit.tenant, visit.visitor, room_id=ident(room_id), change=change))


class LeaveView(VisitorView):
    """`POST /w/<key>/rooms/<id>/leave`: I give up my place. (The frame `leave` only closes the room on one socket.)"""

    def post(self, request: Request, key: str, room_id: str) -> Response:
        visit = visit_of(request)
        leave_room(visit.tenant, visit.visitor, room_id=ident(room_id))
        return nothing()


class ReportsView(VisitorView):
    """`POST /w/<key>/rooms/<id>/reports {message, reason}`"""

    def post(self, request: Request, key: str, room_id: str) -> Response:
        visit, said = visit_of(request), read(request, Complaint)
        check(limits.REPORT_VISITOR, visit.tenant.id, visit.visitor.id)
        made = report_message(visit.tenant, visit.visitor, room_id=ident(room_id), message_id=said.message, reason=said.reason)
        return answer(201, report={"id": made.id, "message": made.message.id, "reason": made.reason})


class PinsView(VisitorView):
    """`POST /w/<key>/rooms/<id>/pins {message}`: a moderator's."""

    def post(self, request: Request, key: str, room_id: str) -> Response:
        visit, message = visit_of(request), read(request, Pin).message
        return answer(room=pin(visit.tenant, visit.visitor, room_id=ident(room_id), message_id=message, on=True))


class PinView(VisitorView):
    """`DELETE /w/<key>/rooms/<id>/pins/<message>`: a moderator's."""

    def delete(self, request: Request, key: str, room_id: str, message_id: str) -> Response:
        visit, message = visit_of(request), ident(message_id, "message")
        return answer(room=pin(visit.tenant, visit.visitor, room_id=ident(room_id), message_id=message, on=False))


class MembersView(VisitorView):
    """`GET /w/<key>/rooms/<id>/members?cursor=`: a moderator's."""

    def get(self, request: Request, key: str, room_id: str) -> Response:
        visit = visit_of(request)
        with in_tenant(visit.tenant):
            room = room_to(Act.RESTRAIN, visit.visitor, ident(room_id)).room_id
            members, cursor = members_of(room, cursor=request.query_params.get("cursor"))
        return answer(members=members, cursor=cursor)


class MemberView(VisitorView):
    """`PUT {muted_until? mute_for? banned_until? ban_for?}` and `DELETE /w/<key>/rooms/<id>/members/<person>`: a moderator's."""

    def put(self, request: Request, key: str, room_id: str, person_id: str) -> Response:
        visit, change = visit_of(request), read(request, Restraint).change()
        room, person = ident(room_id), ident(person_id, "person")
        return answer(member=set_member(visit.tenant, visit.visitor, room_id=room, person_id=person, change=change))

    def delete(self, request: Request, key: str, room_id: str, person_id: str) -> Response:
        visit, person = visit_of(request), ident(person_id, "person")
        remove_member(visit.tenant, visit.visitor, room_id=ident(room_id), person_id=person)
        return nothing()


class InvitationView(VisitorView):
    """`POST /w/<key>/invitations/<code>`: I come into the room that the code is for."""

    def post(self, request: Request, key: str, code: str) -> Response:
        visit = visit_of(request)
        check(limits.INVITATION_VISITOR, visit.tenant.id, visit.visitor.id)
        check(limits.INVITATION_IP, visit.tenant.id, client_ip(request._request))
        return answer(room=accept(visit.tenant, visit.visitor, code))
