"""The people of a community room over HTTP."""

from datetime import datetime
from typing import ClassVar, Literal

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.access import room_for
from chat.selectors.members import members_of
from chat.services.ends import until
from chat.services.members import MemberChange, remove_member, set_member
from chat.views.acting import ActingView
from chat.views.body import Body, answer, ident, moment, nothing, read, room_of
from tenants.access import Do
from tenants.authentication import principal_of, tenant_of
from tenants.context import in_tenant
from tenants.permissions import Needs


class Restraint(Body, frozen=True):
    """Mutes and bans: until a moment or for so many seconds; null, or 0, ends them. What is not named stays."""

    muted_until: datetime | msgspec.UnsetType | None = msgspec.UNSET
    mute_for: float | msgspec.UnsetType = msgspec.UNSET
    banned_until: datetime | msgspec.UnsetType | None = msgspec.UNSET
    ban_for: float | msgspec.UnsetType = msgspec.UNSET

    def change(self) -> MemberChange:
        """What is asked for. Raises BadFrame with the field that is wrong."""
        return MemberChange(
            muted_until=_end(self.muted_until, self.mute_for, field="muted_until"),
            banned_until=_end(self.banned_until, self.ban_for, field="banned_until"),
        )


class Membership(Restraint, frozen=True):
    """The same, and what they are in the room."""

    role: Literal["member", "moderator"] | msgspec.UnsetType = msgspec.UNSET

    def change(self) -> MemberChange:
        asked = Restraint.change(self)
        return MemberChange(role=self.role, muted_until=asked.muted_until, banned_until=asked.banned_until)


class MembersView(APIView):
    """`GET /api/v1/rooms/<id>/members?cursor=`"""

    needs: ClassVar[Needs] = {"GET": Do.READ_ROOMS}

    def get(self, request: Request, room_id: str) -> Response:
        with in_tenant(tenant_of(request)):
            room = room_for(principal_of(request), ident(room_id)).room_id
            members, cursor = members_of(room, cursor=request.query_params.get("cursor"))
        return answer(members=members, cursor=cursor)


class MemberView(ActingView):
    """`PUT` and `DELETE /api/v1/rooms/<id>/members/<person>`"""

    needs: ClassVar[Needs] = {"PUT": Do.MODERATE, "DELETE": Do.MODERATE}

    def put(self, request: Request, room_id: str, person_id: str) -> Response:
        room, person = room_of(request, room_id), ident(person_id, "person")
        change = read(request, Membership).change()
        member = set_member(tenant_of(request), principal_of(request), room_id=room, person_id=person, change=change)
        return answer(member=member)

    def delete(self, request: Request, room_id: str, person_id: str) -> Response:
        room, person = ident(room_id), ident(person_id, "person")
        remove_member(tenant_of(request), principal_of(request), room_id=room, person_id=person)
        return nothing()


def _end(
    at: datetime | msgspec.UnsetType | None, seconds: float | msgspec.UnsetType, *, field: str
) -> datetime | msgspec.UnsetType | None:
    if at is msgspec.UNSET and seconds is msgspec.UNSET:
        return msgspec.UNSET
    given = None if at is msgspec.UNSET else moment(at, field=field)
    return until(given, None if seconds is msgspec.UNSET else seconds, field=field)
