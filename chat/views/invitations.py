"""Invitations into community rooms over HTTP."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from chat.realtime.protocol.moments import stamp
from chat.services.invitations import Invited, invitations, invite, take_back
from chat.views.acting import ActingView
from chat.views.body import Body, answer, ident, nothing, read, room_of
from tenants.access import Do
from tenants.authentication import principal_of, tenant_of
from tenants.permissions import Needs


class Terms(Body, frozen=True):
    """For how many seconds, and for how many people."""

    expires_in: int
    uses: int = 1


class InvitationsView(ActingView):
    """`GET /api/v1/rooms/<id>/invitations?cursor=`, and `POST {expires_in, uses}`, whose answer alone holds the code."""

    needs: ClassVar[Needs] = {"GET": Do.MODERATE, "POST": Do.MODERATE}

    def get(self, request: Request, room_id: str) -> Response:
        tenant, who, after = tenant_of(request), principal_of(request), request.query_params.get("cursor")
        found, cursor = invitations(tenant, who, room_id=ident(room_id), cursor=after)
        return answer(invitations=[_shown(one) for one in found], cursor=cursor)

    def post(self, request: Request, room_id: str) -> Response:
        seen, asked = room_of(request, room_id), read(request, Terms)
        tenant, who = tenant_of(request), principal_of(request)
        made = invite(tenant, who, room_id=seen, expires_in=asked.expires_in, uses=asked.uses)
        return answer(201, invitation={**_shown(made), "code": made.code})


class InvitationView(ActingView):
    """`DELETE /api/v1/rooms/<id>/invitations/<invitation>`"""

    needs: ClassVar[Needs] = {"DELETE": Do.MODERATE}

    def delete(self, request: Request, room_id: str, invitation_id: str) -> Response:
        room, invitation = ident(room_id), ident(invitation_id, "invitation")
        take_back(tenant_of(request), principal_of(request), room_id=room, invitation_id=invitation)
        return nothing()


def _shown(one: Invited) -> dict[str, object]:
    return {"id": str(one.id), "uses_left": one.uses_left, "expires_at": stamp(one.expires_at)}
