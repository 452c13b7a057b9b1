"""Who the visitor of a room is, as agents see them. Runs inside the tenant."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from chat.models import Visitor
from chat.realtime.protocol.incoming import Page
from chat.realtime.protocol.moments import stamp


@dataclass(frozen=True, slots=True)
class VisitorPanel:
    """A visitor beside their room. Times are RFC 3339."""

    id: UUID
    name: str
    locale: str
    page: Page
    external_id: str | None  # what the customer's backend calls its user; None of a stranger
    created_at: str
    seen_at: str


def visitor_panel(room_id: UUID) -> VisitorPanel | None:
    """The visitor whose support room this is; None for any other room."""
    visitor = Visitor.objects.filter(rooms=room_id).first()
    if visitor is None:
        return None
    return VisitorPanel(
        id=visitor.id,
        name=visitor.name,
        locale=visitor.locale,
        page=msgspec.convert(visitor.page, Page),
        external_id=visitor.external_id,
        created_at=stamp(visitor.created_at),
        seen_at=stamp(visitor.seen_at),
    )
