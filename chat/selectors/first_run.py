"""What of the first run's steps can be seen in the tenant's own rows. Inside the tenant. Sample data counts for nothing."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from chat.models import Message, Room, Site, TagSeen
from chat.origins import origin_allowed
from chat.selectors.sample import sample_rooms
from tenants.first_run import Step


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where a site's tag was seen last."""

    site_id: UUID
    site: str  # its name
    page: str
    origin: str
    seen_at: datetime
    is_shown: bool  # whether this page may show the chat


@dataclass(frozen=True, slots=True)
class FirstSite:
    """The tenant's oldest site, with where the tags of all its sites were seen last, newest first."""

    id: UUID
    name: str
    origins: list[str]
    sightings: list[Sighting]

    @property
    def link(self) -> str:
        """An address to open: where its tag was seen, if that may show it, else the first page that may and does not stand for
        many. Anybody can say to have seen it, on a page of their own.
        """
        seen = (one.page for one in self.sightings if one.site_id == self.id and one.is_shown)
        return next(seen, "") or next((origin for origin in self.origins if "*" not in origin), "")


def first_site() -> FirstSite | None:
    """None, if all of them were deleted. Two queries, whatever the tenant holds."""
    site = Site.objects.order_by("created_at", "id").first()
    return FirstSite(id=site.id, name=site.name, origins=site.allowed_origins, sightings=_sightings()) if site else None


def _sightings() -> list[Sighting]:
    """Of each site the last one; the tag of any site may stand on a page that nobody has named."""
    last = TagSeen.objects.order_by("site_id", "-seen_at").distinct("site_id").select_related("site")
    return sorted(map(_sighting, last), key=lambda one: one.seen_at, reverse=True)


def _sighting(seen: TagSeen) -> Sighting:
    is_shown = origin_allowed(seen.origin, seen.site.allowed_origins)
    return Sighting(seen.site_id, seen.site.name, seen.page, seen.origin, seen.seen_at, is_shown)


def steps_taken(tenant_id: UUID, asked: Collection[Step]) -> set[Step]:
    """Which of these steps are taken; of those that cannot be seen here, none. One query for each."""
    return {step for step in asked if step in FACTS and FACTS[step](tenant_id)}


def _has_address(_tenant_id: UUID) -> bool:
    return Site.objects.exclude(allowed_origins=[]).exists()


def _tag_seen(_tenant_id: UUID) -> bool:
    return TagSeen.objects.exists()


def _visitor_wrote(tenant_id: UUID) -> bool:
    return Message.objects.filter(author_kind="visitor").exclude(room__in=sample_rooms(tenant_id)).exists()


def _has_room(tenant_id: UUID) -> bool:
    made = Room.objects.filter(kind__in=[Room.Kind.COMMUNITY, Room.Kind.TEAM], notes_of=None)
    return made.exclude(id__in=sample_rooms(tenant_id)).exists()


FACTS: Final[Mapping[Step, Callable[[UUID], bool]]] = {
    Step.SITE: _has_address,
    Step.TAG: _tag_seen,
    Step.MESSAGE: _visitor_wrote,
    Step.ROOM: _has_room,
}
