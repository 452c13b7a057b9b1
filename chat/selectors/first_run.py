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
class FirstSite:
    """The tenant's oldest site, with where its tag was seen last."""

    id: UUID
    name: str
    origins: list[str]
    page: str  # empty: nowhere yet
    origin: str
    seen_at: datetime | None

    @property
    def is_shown(self) -> bool:
        """Whether the page on which the tag was seen may show the chat."""
        return origin_allowed(self.origin, self.origins)

    @property
    def link(self) -> str:
        """An address to open: where the tag was seen, if that may show it, else the first page that may and does not stand for
        many. Anybody can say to have seen it, on a page of their own.
        """
        return self.page if self.is_shown else next((origin for origin in self.origins if "*" not in origin), "")


def first_site() -> FirstSite | None:
    """None, if all of them were deleted."""
    site = Site.objects.order_by("created_at", "id").first()
    if site is None:
        return None
    seen = TagSeen.objects.filter(site=site).order_by("-seen_at").first()
    told = {"page": seen.page, "origin": seen.origin, "seen_at": seen.seen_at} if seen else NOWHERE
    return FirstSite(id=site.id, name=site.name, origins=site.allowed_origins, **told)


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


NOWHERE: Final = {"page": "", "origin": "", "seen_at": None}
FACTS: Final[Mapping[Step, Callable[[UUID], bool]]] = {
    Step.SITE: _has_address,
    Step.TAG: _tag_seen,
    Step.MESSAGE: _visitor_wrote,
    Step.ROOM: _has_room,
}
