"""What people are told of: every category, one line each. Pure."""

from dataclasses import dataclass
from typing import Final

from tenants.models import Role

VISITOR: Final = "visitor"

TEAM: Final = frozenset({Role.OWNER, Role.ADMIN, Role.AGENT})
MEMBERS: Final = TEAM | {Role.VIEWER}
HEADS: Final = frozenset({Role.OWNER, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of cause, and who hears of it as long as they have not said otherwise."""

    name: str
    label: str
    wanted_by: frozenset[str]  # roles of members, and "visitor"


CATEGORIES: Final = {
    category.name: category
    for category in (
        Category("rooms", "A visitor opens a room", TEAM),
        Category("messages", "Messages while you are away", TEAM | {VISITOR}),
        Category("mentions", "Somebody mentions you", MEMBERS | {VISITOR}),
        Category("assignments", "A room is given to you", TEAM),
        Category("moderation", "Reports, and what moderators decide", TEAM | {VISITOR}),
        Category("billing", "Invoices, payments and limits", HEADS),
        Category("system", "News of your tenant and the platform", MEMBERS),
    )
}
