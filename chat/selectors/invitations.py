"""Invitations into a community room that can still be used. Inside the tenant."""

from typing import Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from chat.models import Invitation
from saas.core.errors import BadFrame

PAGE: Final = 100


def usable(room_id: UUID) -> QuerySet[Invitation]:
    """The room's, newest first. Not evaluated: the pager counts it."""
    return Invitation.objects.filter(room=room_id, uses_left__gt=0, expires_at__gt=timezone.now()).order_by("-id")


def usable_after(room_id: UUID, cursor: str | None) -> tuple[list[Invitation], str | None]:
    """A hundred of them, and where the list goes on. Raises BadFrame for a cursor that is not ours (field `cursor`)."""
    rows = usable(room_id)
    found = list((rows.filter(id__lt=_after(cursor)) if cursor else rows)[: PAGE + 1])
    page = found[:PAGE]
    return page, str(page[-1].id) if len(found) > PAGE else None


def _after(cursor: str) -> UUID:
    try:
        return UUID(cursor)
    except ValueError:
        raise BadFrame("This is not a cursor that we gave.", field="cursor") from None
