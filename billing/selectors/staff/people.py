"""A person as staff see them: what they belong to, when they came last, and how they prove who they are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db.models import Count, Exists, Max, OuterRef, Q

from billing.models import FactorRemoval
from billing.selectors.staff.removals import Waiting, as_waiting, removals
from tenants.models import SECOND_FACTORS, Membership, SignIn, User
from tenants.people import spots_of
from tenants.selectors import Factor, factors_of

MOST: Final = 50  # people that a search shows


@dataclass(frozen=True, slots=True)
class Address:
    """An e-mail address of theirs."""

    email: str
    is_verified: bool
    is_primary: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Everything about somebody who cannot come in."""

    user: User
    addresses: list[Address]
    memberships: list[Membership]
    factors: list[Factor]
    seen_at: datetime | None
    places: int  # where they are signed in now: browsers, and programs
    removals: list[FactorRemoval]  # newest first

    @property
    def waiting(self) -> Waiting | None:
        """What was asked for and waits for a second person."""
        return next((as_waiting(one) for one in self.removals if one.status == FactorRemoval.Status.WAITING), None)


def find_people(words: str) -> list[User]:
    """Those whose address or name holds these words, with `tenants` and `is_secured`; `MOST` at most. One query."""
    other = EmailAddress.objects.filter(email__icontains=words).values("user_id")
    secured = Authenticator.objects.filter(user=OuterRef("pk"), type__in=SECOND_FACTORS)
    active = Count("memberships", filter=Q(memberships__disabled_at=None), distinct=True)
    found = User.objects.filter(Q(email__icontains=words) | Q(name__icontains=words) | Q(id__in=other))
    return list(found.annotate(tenants=active, is_secured=Exists(secured)).order_by("email")[:MOST])


def person(user_id: UUID) -> Person | None:
    """All of one person, in a fixed number of queries."""
    user = User.objects.filter(id=user_id).first()
    if user is None:
        return None
    seen = SignIn.objects.filter(user=user).aggregate(last=Max("seen_at"))
    memberships = Membership.objects.filter(user=user).select_related("tenant").order_by("tenant__name", "id")
    return Person(
        user=user,
        addresses=_addresses(user),
        memberships=list(memberships),
        factors=factors_of(user.id),
        seen_at=seen["last"],
        places=spots_of(user, "").total,
        removals=list(removals().filter(user=user)),
    )


def _addresses(user: User) -> list[Address]:
    """Those that they have told us of; the one of their sign-in stands first, also where nobody ever asked to verify it."""
    rows = EmailAddress.objects.filter(user=user).order_by("-primary", "email")
    known = [Address(row.email, row.verified, row.primary) for row in rows]
    is_known = any(one.email == user.email for one in known)
    return known if is_known else [Address(user.email, is_verified=False, is_primary=not known), *known]
