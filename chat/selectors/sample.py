"""The sample data of a tenant: which rows are part of it, and what of it is there.

Each of its people and rooms has an id that follows from the tenant's own. So it is marked without a column, can be loaded once
only, and is found again whatever people have written into it or renamed.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from chat.models import Message, Room, Visitor

PEOPLE: Final = ("mira", "jonas", "pilar", "deals")
SUPPORT_ROOMS: Final = ("delivery", "invoice", "hours")
COMMUNITY_ROOM: Final = "porch"


@dataclass(frozen=True, slots=True)
class Sample:
    """How much of the sample data is there; companion rooms with notes are not counted."""

    people: int
    rooms: int
    messages: int  # with what the team has written into its rooms since

    @property
    def is_loaded(self) -> bool:
        """Whether any of it is there."""
        return self.people > 0 or self.rooms > 0


def sample_id(tenant_id: UUID, name: str) -> UUID:
    """The id of a person or room of the sample data."""
    return uuid5(tenant_id, f"sample:{name}")


def sample_people(tenant_id: UUID) -> list[UUID]:
    """The ids of its visitors."""
    return [sample_id(tenant_id, name) for name in PEOPLE]


def sample_rooms(tenant_id: UUID) -> list[UUID]:
    """The ids of its rooms, without their companions."""
    return [sample_id(tenant_id, name) for name in (*SUPPORT_ROOMS, COMMUNITY_ROOM)]


def sample_of(tenant_id: UUID) -> Sample:
    """What of it is there. Inside the tenant."""
    people, rooms = sample_people(tenant_id), sample_rooms(tenant_id)
    return Sample(
        people=Visitor.objects.filter(id__in=people).count(),
        rooms=Room.objects.filter(id__in=rooms).count(),
        messages=Message.objects.filter(room__in=rooms).count(),
    )
