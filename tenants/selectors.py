"""Reads of who owns what. All run on the platform's role."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings

from tenants.access import ALLOWED, Do
from tenants.models import SECOND_FACTORS, Invitation, Membership, Tenant, User


@dataclass(frozen=True, slots=True)
class Place:
    """A tenant of a person, as their list of tenants shows it."""

    name: str
    slug: str
    host: str
    url: str  # of its front, which leads to the inbox, or to the first steps
    role: str
    suspended: bool


@dataclass(frozen=True, slots=True)
class Member:
    """An active member of a tenant."""

    id: UUID
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Factor:
    """A way in which a person can prove who they are beside their password."""

    what: str
    since: datetime
    used_at: datetime | None


FACTOR_NAMES: Final = {"totp": "authenticator app", "webauthn": "passkey", "recovery_codes": "recovery codes"}


def default_host(slug: str) -> str:
    """The host that every tenant has, with its port if that is not the scheme's own."""
    return f"{slug}.{settings.BASE_HOST}"


def tenant_url(slug: str, path: str = "/") -> str:
    """An absolute address on a tenant's own host."""
    return f"{settings.SCHEME}://{default_host(slug)}{path}"


def platform_url(path: str = "/") -> str:
    """An absolute address on the platform's host."""
    return f"{settings.SCHEME}://{settings.BASE_HOST}{path}"


def places_of(user: User) -> list[Place]:
    """The tenants in which this user is an active member, by name."""
    memberships = Membership.objects.filter(user=user, disabled_at=None).select_related("tenant").order_by("tenant__name")
    return [
        Place(
            name=membership.tenant.name,
            slug=membership.tenant.slug,
            host=default_host(membership.tenant.slug),
            url=tenant_url(membership.tenant.slug),
            role=membership.get_role_display(),
            suspended=membership.tenant.status != Tenant.Status.ACTIVE,
        )
        for membership in memberships
    ]


def slug_is_taken(slug: str) -> bool:
    """True if a tenant has this address."""
    return bool(Tenant.objects.filter(slug=slug).exists())


def email_is_known(email: str) -> bool:
    """True if somebody signs in with this address."""
    address = email.strip().lower()
    return User.objects.filter(email=address).exists() or EmailAddress.objects.filter(email=address, verified=True).exists()


def user_by_email(email: str) -> User | None:
    """Who signs in with this address: whoever has verified it, else whoever signed up with it."""
    address = email.strip().lower()
    verified = EmailAddress.objects.select_related("user").filter(email=address, verified=True).first()
    found: User | None = verified.user if verified else User.objects.filter(email=address).first()
    return found


def has_second_factor(user_id: UUID) -> bool:
    """Whether this user has an authenticator app or a passkey."""
    return bool(Authenticator.objects.filter(user_id=user_id, type__in=SECOND_FACTORS).exists())


def factors_of(user_id: UUID) -> list[Factor]:
    """What this user has set up, recovery codes among it, oldest first."""
    rows = Authenticator.objects.filter(user_id=user_id).order_by("created_at", "id")
    return [Factor(FACTOR_NAMES[row.type], row.created_at, row.last_used_at) for row in rows]


def tenant_by_slug(slug: str) -> Tenant | None:
    """The tenant with this address."""
    found: Tenant | None = Tenant.objects.filter(slug=slug).first()
    return found


def members_who_may(tenant_id: UUID, permission: Do) -> list[UUID]:
    """The users whose active membership of the tenant lets them do this."""
    members = Membership.objects.filter(tenant_id=tenant_id, disabled_at=None, user__is_active=True, role__in=ALLOWED[permission])
    return list(members.values_list("user_id", flat=True))


def members_of(tenant_id: UUID) -> list[Member]:
    """The active members of a tenant, by name."""
    members = Membership.objects.filter(tenant_id=tenant_id, disabled_at=None, user__is_active=True)
    rows = members.order_by("user__name", "user_id").values_list("user_id", "user__name", "role")
    return [Member(*row) for row in rows]


def has_company(tenant_id: UUID) -> bool:
    """Whether somebody beside the first member is in the tenant, or was invited to it."""
    members = Membership.objects.filter(tenant_id=tenant_id)
    return members.order_by("created_at")[1:2].exists() or Invitation.objects.filter(tenant_id=tenant_id).exists()
