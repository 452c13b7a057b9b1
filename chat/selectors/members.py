"""Who has a place in a room, as those who keep order see it. Inside the tenant, evaluated."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
from django.utils import timezone

from chat.models import Participant
from chat.realtime.protocol.moments import stamp
from saas.core.errors import BadFrame, NotFound

PAGE: Final = 100


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A person's place in a room. Mutes and bans that are over are left out."""

    kind: str  # agent, visitor
    id: UUID
    name: str
    role: str  # member, moderator
    joined_at: str
    muted_until: str | msgspec.UnsetType = msgspec.UNSET
    banned_until: str | msgspec.UnsetType = msgspec.UNSET


class MembersPage(NamedTuple):
    """Members in the order of their ids, and where the list goes on."""

    members: list[Member]
    cursor: str | None


def members_of(room_id: UUID, *, cursor: str | None = None, limit: int = PAGE) -> MembersPage:
    """The people of a room that the asker may see. Raises BadFrame for a cursor that is not ours (field `cursor`)."""
    places = Participant.objects.filter(room=room_id).order_by("person_id")
    if cursor:
        places = places.filter(person_id__gt=_after(cursor))
    found = list(places[: limit + 1])
    page = found[:limit]
    return MembersPage([_member(place) for place in page], str(page[-1].person_id) if len(found) > limit else None)


def member_of(room_id: UUID, person_id: UUID) -> Member:
    """One of them. Raises NotFound."""
    place = Participant.objects.filter(room=room_id, person_id=person_id).first()
    if place is None:
        raise NotFound("They are not in this room.")
    return _member(place)


def _member(place: Participant) -> Member:
    return Member(
        kind=place.kind,
        id=place.person_id,
        name=place.name,
        role=place.role,
        joined_at=stamp(place.joined_at),
        muted_until=_lasting(place.muted_until),
        banned_until=_lasting(place.banned_until),
    )


def _lasting(moment: datetime | None) -> str | msgspec.UnsetType:
    return stamp(moment) if moment and moment > timezone.now() else msgspec.UNSET


def _after(cursor: str) -> UUID:
    try:
        return UUID(cursor)
    except ValueError:
        raise BadFrame("This is not a cursor that we gave.", field="cursor") from None
