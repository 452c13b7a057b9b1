"""Places in rooms as the console lists them: who is in a room, and who is kept from it or from writing. Inside the tenant."""

from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from chat.models import Participant, Visitor

SIZE: Final = 50


class Only(StrEnum):
    """Which places of a room are listed."""

    ALL = "all"
    MODERATORS = "moderators"
    MUTED = "muted"
    BANNED = "banned"


def places_in(room_id: UUID, *, only: Only = Only.ALL, named: str = "") -> QuerySet[Participant]:
    """The visitors who have a place in the room, moderators first, then by name. Not evaluated: the pager counts it."""
    found = Participant.objects.filter(_condition(only), room=room_id, kind="visitor")
    if named:
        found = found.filter(name__icontains=named)
    return found.order_by("-role", "name", "person_id")


def restrained(*, named: str = "") -> QuerySet[Participant]:
    """Everybody who may not write or not come at the moment, in all rooms; whose turn is over first comes first."""
    found = Participant.objects.filter(_condition(Only.MUTED) | _condition(Only.BANNED)).select_related("room__site")
    if named:
        found = found.filter(name__icontains=named)
    return found.order_by("name", "person_id", "room")


def counts_in(room_id: UUID) -> dict[Only, int]:
    """How many places each list has."""
    return {only: places_in(room_id, only=only).count() for only in Only}


def visitors_named(site_id: UUID, room_id: UUID, named: str, *, most: int = 10) -> list[Visitor]:
    """Visitors of the site by a part of their name who have no place in the room yet; who was here last comes first."""
    inside = Participant.objects.filter(room=room_id).values("person_id")
    found = Visitor.objects.filter(site=site_id, name__icontains=named).exclude(id__in=inside)
    return list(found.order_by("-seen_at")[:most])


def _condition(only: Only) -> Q:
    now = timezone.now()
    match only:
        case Only.MODERATORS:
            return Q(role=Participant.Role.MODERATOR)
        case Only.MUTED:
            return Q(muted_until__gt=now)
        case Only.BANNED:
            return Q(banned_until__gt=now)
    return Q()
