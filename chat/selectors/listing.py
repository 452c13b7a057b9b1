"""Rooms as the console's pages list them. Inside the tenant."""

from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from chat.models import Message, Report, Room, Site


def rooms_listed(shown: str, *, site_id: UUID | None = None, named: str = "") -> QuerySet[Room]:
    """Rooms of a site in their order (`community`), by title (`team`), or those last closed first (`archived`).

    Each has `reported`: how many of its messages wait for a moderator. Not evaluated: the pager counts it.
    """
    found = Room.objects.filter(kind__in=("community", "team"), notes_of=None).select_related("site")
    if named:
        found = found.filter(title__icontains=named)
    return _of(found, shown, site_id).annotate(reported=_reported())


def sites() -> list[Site]:
    """All sites, the first one first."""
    return list(Site.objects.order_by("created_at", "id").only("id", "name", "allowed_origins"))


def pinned_in(room: Room) -> list[Message]:
    """Its pinned messages, newest pin first."""
    found = {str(message.id): message for message in Message.objects.filter(room=room.id, id__in=room.pinned)}
    return [found[ident] for ident in map(str, room.pinned) if ident in found]


def _of(found: QuerySet[Room], shown: str, site_id: UUID | None) -> QuerySet[Room]:
    if shown == "archived":
        return found.exclude(closed_at=None).order_by("-closed_at", "-id")
    if shown == "team":
        return found.filter(kind="team", closed_at=None).order_by("title", "id")
    return found.filter(kind="community", closed_at=None, site=site_id).order_by("position", "id")


def _reported() -> Coalesce:
    open_ones = Report.objects.filter(room=OuterRef("id"), settled_at=None).order_by().values("room")
    return Coalesce(Subquery(open_ones.annotate(count=Count("message", distinct=True)).values("count")), 0)
