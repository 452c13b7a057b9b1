"""Who is in a tenant, as its pages show them. All reads run on the platform's role, each a fixed number of queries."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from tenants.access import ALLOWED, SAYS, Do
from tenants.models import SECOND_FACTORS, Invitation, Membership, Role, SignIn, User
from tenants.resolve import MemberRef

PROGRAM_LIFE: Final = timedelta(days=14)  # of a refresh token: a program that was not seen for so long is out
MOST_SPOTS: Final = 50  # places that a page shows: a program that signs in anew each time leaves thousands
NOBODYS: Final = UUID(int=0)
STATES: Final = {"active": "Active", "disabled": "Disabled", "without": "Without two-factor"}


@dataclass(frozen=True, slots=True)
class Spot:
    """A place where somebody is signed in."""

    id: UUID
    what: str  # the browser, in words, or "A program"
    where: str  # the network address from which it came at last
    tenants: list[str]  # that were entered from a browser on the platform's host
    since: datetime
    seen_at: datetime
    is_this: bool  # the one that asks


@dataclass(frozen=True, slots=True)
class Spots:
    """Places where somebody is signed in: the last used, and how many there are."""

    shown: list[Spot]
    total: int

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.total - len(self.shown)


@dataclass(frozen=True, slots=True)
class RoleRow:
    """What may be done, and which roles may, in the order of `Role`."""

    says: str
    allowed: list[bool]


def members_page(tenant_id: UUID, *, text: str = "", role: str = "", state: str = "") -> QuerySet[Membership]:
    """The members by name, behind them those who are disabled, with `has_factor` and `last_seen`; `text` looks into names and
    addresses.
    """
    seen = SignIn.objects.filter(tenant_id=tenant_id, user=OuterRef("user_id")).order_by().values("user")
    found = Membership.objects.filter(tenant_id=tenant_id).select_related("user").annotate(has_factor=Exists(_factor()))
    found = found.annotate(last_seen=Subquery(seen.annotate(last=Max("seen_at")).values("last")))
    if text:
        found = found.filter(Q(user__name__icontains=text) | Q(user__email__icontains=text))
    if role in Role.values:
        found = found.filter(role=role)
    return _in_state(found, state).alias(is_off=Q(disabled_at__isnull=False)).order_by("is_off", "user__name", "id")


def member(tenant_id: UUID, member_id: UUID) -> Membership | None:
    """One of them, by the id of the membership."""
    return members_page(tenant_id).filter(id=member_id).first()


def invitations_open(tenant_id: UUID) -> QuerySet[Invitation]:
    """Those that were neither accepted nor withdrawn, newest first."""
    found = Invitation.objects.filter(tenant_id=tenant_id, accepted_at=None, withdrawn_at=None)
    return found.select_related("invited_by").order_by("-sent_at", "id")


def heirs_of(tenant_id: UUID, user_id: UUID) -> list[tuple[UUID, str]]:
    """The other members who answer: (user, name), by name."""
    others = Membership.objects.filter(tenant_id=tenant_id, disabled_at=None, user__is_active=True, role__in=ALLOWED[Do.ANSWER])
    return list(others.exclude(user=user_id).order_by("user__name").values_list("user_id", "user__name"))


def candidates(tenant_id: UUID, by: MemberRef) -> list[tuple[UUID, str]]:
    """Who may become the owner instead: (membership, name and address), by name."""
    others = Membership.objects.filter(tenant_id=tenant_id, disabled_at=None, user__is_active=True).exclude(role=Role.OWNER)
    rows = others.exclude(user=by.user_id).order_by("user__name").values_list("id", "user__name", "user__email")
    return [(one, f"{name} ({email})") for one, name, email in rows]


def spots_in_tenant(tenant_id: UUID, user_id: UUID) -> Spots:
    """Where a member is signed in to the tenant, last used first."""
    live = _live(SignIn.objects.filter(tenant_id=tenant_id, user_id=user_id))
    return Spots([_spot(sign_in, [], is_this=False) for sign_in in live[:MOST_SPOTS]], live.count())


def spots_of(user: User, this: str) -> Spots:
    """Where a person is signed in, in all tenants: the browser that asks, which is `this`, then last used first.

    What was entered through a browser is a part of that one.
    """
    live = _live(SignIn.objects.filter(user=user))
    browsers = live.filter(tenant=None)
    own = live.exclude(platform_sid__in=browsers.values("id"), tenant__isnull=False)
    first = own.alias(is_this=Q(id=this or NOBODYS)).order_by("-is_this", "-seen_at", "-id")
    shown = list(first.select_related("tenant")[:MOST_SPOTS])
    entered = live.filter(platform_sid__in=[one.id for one in shown]).order_by("tenant__name")
    names: dict[UUID | None, list[str]] = {}
    for sid, name in entered.values_list("platform_sid", "tenant__name").distinct():
        names.setdefault(sid, []).append(name)
    return Spots([_spot(one, _entered(one, names), is_this=str(one.id) == this) for one in shown], own.count())


def roles_table() -> list[RoleRow]:
    """The table of permissions as the code has it."""
    return [RoleRow(SAYS[do], [role in ALLOWED[do] for role in Role]) for do in Do]


def without_factor(tenant_id: UUID) -> int:
    """How many active members have no second factor."""
    return members_page(tenant_id, state="without").count()


def _factor() -> QuerySet[Authenticator]:
    """The second factors of a member's user, in a query of members."""
    found: QuerySet[Authenticator] = Authenticator.objects.filter(user=OuterRef("user_id"), type__in=SECOND_FACTORS)
    return found


def _in_state(found: QuerySet[Membership], state: str) -> QuerySet[Membership]:
    match state:
        case "active":
            return found.filter(disabled_at=None)
        case "disabled":
            return found.exclude(disabled_at=None)
        case "without":
            return found.filter(~Exists(_factor()), disabled_at=None, user__is_active=True)
    return found


def _live(sign_ins: QuerySet[SignIn]) -> QuerySet[SignIn]:
    """Those that still hold: their session is there, or their tokens have not run out."""
    now = timezone.now()
    session = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=now)
    holds = Q(session_key="", seen_at__gt=now - PROGRAM_LIFE) | Exists(session)
    return sign_ins.filter(holds, ended_at=None).order_by("-seen_at", "-id")


def _entered(sign_in: SignIn, names: dict[UUID | None, list[str]]) -> list[str]:
    return names.get(sign_in.id, []) if sign_in.tenant is None else [sign_in.tenant.name]


def _spot(sign_in: SignIn, tenants: list[str], *, is_this: bool) -> Spot:
    return Spot(sign_in.id, sign_in.what, sign_in.address, tenants, sign_in.created_at, sign_in.seen_at, is_this)
