"""Who of the staff may do what: support looks, holds and helps people in, billing moves money, superusers do everything.

The groups `support` and `billing` are made by a migration; a superuser puts people into them.
"""

from enum import StrEnum
from typing import Final

from tenants.models import User


class StaffMay(StrEnum):
    """Something staff do."""

    LOOK = "look"
    HOLD = "hold"  # keep a tenant from being restricted for a while; look into a tenant that agreed
    HELP_IN = "help people sign in"  # take second factors away that are lost; a second person approves
    MOVE_MONEY = "move money"  # credits, comps, waivers, corrections, suspend and resume, settle differences


SUPPORT: Final = "support"
BILLING: Final = "billing"
ALLOWED: Final[dict[StaffMay, frozenset[str]]] = {
    StaffMay.LOOK: frozenset({SUPPORT, BILLING}),
    StaffMay.HOLD: frozenset({SUPPORT, BILLING}),
    StaffMay.HELP_IN: frozenset({SUPPORT}),
    StaffMay.MOVE_MONEY: frozenset({BILLING}),
}


def may(user: User, what: StaffMay) -> bool:
    """Whether this member of staff may do it. No query where `groups` was prefetched."""
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or bool(ALLOWED[what] & {group.name for group in user.groups.all()})


def may_help_in(by: User, user: User) -> bool:
    """Whether one may ask for this person's second factors to go: nobody for themselves, only superusers for staff."""
    return by.pk != user.pk and may(by, StaffMay.HELP_IN) and (by.is_superuser or not user.is_staff)
