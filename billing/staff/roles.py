"""Who of the staff may do what: support looks, holds and helps people in, billing moves money, superusers do everything.

The groups `support` and `billing` are made by a migration; a superuser puts people into them.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from saas.core.errors import Forbidden
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
    """Whether this member of staff may do it."""
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or bool(ALLOWED[what] & set(user.groups.values_list("name", flat=True)))


def demand(user: User, what: StaffMay) -> None:
    """Raises Forbidden, naming the groups that may."""
    if not may(user, what):
        groups = " or ".join(sorted(ALLOWED[what]))
        raise Forbidden(f"To {what} one is in the staff's group {groups}. A superuser puts you there, under Users.")


View = Callable[..., HttpResponse]


def for_staff_who(what: StaffMay) -> Callable[[View], View]:
    """A page for those who may."""

    def gate(view: View) -> View:
        @wraps(view)
        def gated(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not may(request.user, what):  # type: ignore[arg-type]  # admin_view lets nobody else in
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return gated

    return gate
