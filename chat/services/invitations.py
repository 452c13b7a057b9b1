"""Codes that let visitors into a community room, shown once: only their hash is kept. Called outside of the tenant."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from chat.access import Act, room_for, room_to
from chat.models import Invitation, Participant, Room
from chat.realtime.protocol.outgoing import Summary
from chat.selectors import summary_of
from chat.selectors.invitations import usable_after
from chat.services.members import enter_locked
from chat.services.rooms import lock_room, tell_change, thing_of
from saas.core.errors import BadFrame, Conflict, NotFound
from tenants.audit import Thing, record
from tenants.context import TenantRef, in_tenant
from tenants.tokens import Principal

LONGEST: Final = timedelta(days=365)
MOST_USES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation as those who made it see it. `code` only at its birth."""

    id: UUID
    uses_left: int
    expires_at: datetime
    code: str | None = None


def invite(tenant: TenantRef, principal: Principal, *, room_id: UUID, expires_in: int, uses: int) -> Invited:
    """A new code for a community room, good for so many visitors and seconds.

    Raises NotFound, ReadOnly or Forbidden by role, Conflict for another kind of room, BadFrame for a wrong number.
    """
    if not 1 <= expires_in <= LONGEST.total_seconds():
        raise BadFrame("An invitation lasts a second to a year.", field="expires_in")
    if not 1 <= uses <= MOST_USES:
        raise BadFrame(f"An invitation is good for 1 to {MOST_USES} people.", field="uses")
    code = secrets.token_urlsafe(24)
    with in_tenant(tenant), transaction.atomic():
        _inviting(principal, room_id)
        made = Invitation.objects.create(
            room_id=room_id,
            code_hash=_hash(code),
            uses_left=uses,
            expires_at=timezone.now() + timedelta(seconds=expires_in),
            made_by=principal.id,
        )
        on = _thing(room_id)
        record(tenant, by=principal, act="room_invitation.made", on=on, after={"uses": uses, "expires": made.expires_at})
    return Invited(made.id, uses, made.expires_at, code)


def invitations(
    tenant: TenantRef, principal: Principal, *, room_id: UUID, cursor: str | None = None
) -> tuple[list[Invited], str | None]:
    """A hundred invitations of a room that can still be used, newest first, and where the list goes on.

    Raises as above, and BadFrame for a cursor that is not ours (field `cursor`).
    """
    with in_tenant(tenant):
        _inviting(principal, room_id)
        found, further = usable_after(room_id, cursor)
    return [Invited(one.id, one.uses_left, one.expires_at) for one in found], further


def take_back(tenant: TenantRef, principal: Principal, *, room_id: UUID, invitation_id: UUID) -> None:
    """Nobody can use the invitation any more; who came by it stays. Raises as above, and NotFound for another room's."""
    with in_tenant(tenant), transaction.atomic():
        _inviting(principal, room_id)
        if not Invitation.objects.filter(id=invitation_id, room=room_id).delete()[0]:
            raise NotFound("There is no such invitation.")
        record(tenant, by=principal, act="room_invitation.withdrawn", on=_thing(room_id))


def accept(tenant: TenantRef, principal: Principal, code: str) -> Summary:
    """The visitor becomes a member of the room that the code is for. One who is a member uses nothing up.

    Raises NotFound for a code that is unknown, used up, over, for another site, or that does not let this visitor in.
    """
    with in_tenant(tenant):
        room_id = _room_of(principal, code)
        with transaction.atomic():
            lock_room(room_id)
            is_new = not Participant.objects.filter(room=room_id, person_id=principal.id).exists()
            if is_new:
                _use(code)
                enter_locked(principal, room_id)
            room_for(principal, room_id)  # the banned, and who must be signed in, stay out: nothing was used then
            told = summary_of(room_id, None)
        seen = summary_of(room_id, principal)
    if is_new:
        tell_change(tenant, told)
    return seen


def _inviting(principal: Principal, room_id: UUID) -> None:
    if room_to(Act.INVITE, principal, room_id).kind != Room.Kind.COMMUNITY:
        raise Conflict("Only to a community room are visitors invited.")


def _thing(room_id: UUID) -> Thing:
    return thing_of(Room.objects.get(id=room_id))


def _room_of(principal: Principal, code: str) -> UUID:
    """The room of a code on the visitor's site."""
    invitation = Invitation.objects.filter(code_hash=_hash(code), room__site=principal.site_id, expires_at__gt=timezone.now())
    room_id: UUID | None = invitation.values_list("room_id", flat=True).first()
    if room_id is None:
        raise _no_such_code()
    return room_id


def _use(code: str) -> None:
    """One use less, of what is left at this moment: the last one is taken once."""
    usable = Invitation.objects.filter(code_hash=_hash(code), uses_left__gt=0, expires_at__gt=timezone.now())
    if not usable.update(uses_left=F("uses_left") - 1):
        raise _no_such_code()


def _no_such_code() -> NotFound:
    return NotFound("This invitation is not good any more.")


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode(errors="surrogatepass")).digest()
