"""Signing in by password for programs: a short access token, and a family of refresh tokens that each work once."""

import secrets
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken

from saas.core.errors import OtpRequired, Unauthenticated
from tenants.context import TenantRef
from tenants.models import SignIn, User
from tenants.resolve import MemberRef, membership_for
from tenants.services import end_sign_in, hold_door_by_password, record_sign_in, refuse_locked, use_code
from tenants.tokens import AgentRefresh, agent_claims, names_tenant

WRONG = "Email or password is wrong."  # the same whoever it is: it tells nobody which addresses are known
OVER = "You are no longer signed in."
NOBODY = make_password(secrets.token_urlsafe())  # hashed against when the address is unknown, so that it takes as long


@dataclass(frozen=True, slots=True)
class Pair:
    """What a program holds: a token to use and a token to get the next ones with."""

    access: str
    refresh: str


def sign_in_by_password(tenant: TenantRef, *, email: str, password: str, otp: str = "") -> Pair:
    """Raises Unauthenticated for a wrong address, password or tenant alike; OtpRequired if only the second factor is missing,
    Forbidden if the tenant asks for one and there is none."""
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    right = check_password(password, user.password if user else NOBODY)
    member = membership_for(tenant.id, user.id) if user and right else None
    if user is None or member is None:
        raise Unauthenticated(WRONG)
    _check_second_factor(user, otp)
    refuse_locked(tenant, member)
    return _begin(tenant, user, member)


def refresh_pair(tenant: TenantRef, token: str) -> Pair:
    """The next pair. A refresh token that was used before was stolen, or its successor was: the whole family ends.

    The family's row is locked, so that of two requests with one token the second is seen as reuse. Raises Unauthenticated.
    """
    names_tenant(token, tenant)
    pair = _rotate(tenant, token)
    if isinstance(pair, Pair):
        return pair
    if pair is not None:
        end_sign_in(pair)
    raise Unauthenticated(OVER)


def end_family(tenant: TenantRef, token: str) -> None:
    """Sign a program out by its refresh token. Raises Unauthenticated for one that is not of this tenant."""
    names_tenant(token, tenant)
    try:
        end_sign_in(UUID(str(AgentRefresh(cast(Any, token))["sid"])))
    except (TokenError, KeyError, ValueError):
        raise Unauthenticated(OVER) from None


@transaction.atomic
def _begin(tenant: TenantRef, user: User, member: MemberRef) -> Pair:
    """The first pair of a new family. Whoever changes the password or puts them out came first, or ends this one, too."""
    if not hold_door_by_password(user, tenant.id):
        raise Unauthenticated(WRONG)
    sign_in = record_sign_in(user_id=user.id, tenant_id=tenant.id)
    return _pair(tenant, user, member, sid=str(sign_in.id))


@transaction.atomic
def _rotate(tenant: TenantRef, token: str) -> Pair | UUID | None:
    """The next pair, or the sign-in to end because the token was reused or its user is gone, or None for a forgery."""
    try:
        used = AgentRefresh(cast(Any, token))
        sid = UUID(str(used["sid"]))
    except (TokenError, KeyError, ValueError):
        return None
    sign_in = SignIn.objects.select_for_update().filter(id=sid, tenant=tenant.id, ended_at=None).first()
    if sign_in is None:
        return None
    member = membership_for(tenant.id, sign_in.user_id)
    user = User.objects.filter(id=sign_in.user_id, is_active=True).first()
    if member is None or user is None or BlacklistedToken.objects.filter(token__jti=used["jti"]).exists():
        return sid
    used.blacklist()
    return _pair(tenant, user, member, sid=str(sid))


def _pair(tenant: TenantRef, user: User, member: MemberRef, *, sid: str) -> Pair:
    refresh = AgentRefresh()
    refresh.payload.update(agent_claims(tenant, name=member.name, role=member.role, sid=sid), sub=str(user.id))
    refresh.outstand()
    return Pair(access=str(refresh.access_token), refresh=str(refresh))


def _check_second_factor(user: User, otp: str) -> None:
    """A code of the authenticator app or a recovery code, where the user has set up either or a passkey. Raises as `use_code`."""
    if not Authenticator.objects.filter(user=user).exists():
        return
    fits = use_code(user.id, otp.strip()) if otp else None
    if fits is None:
        raise OtpRequired("Enter the code from your authenticator app." if not otp else "This code is wrong or was used.")
    fits.record_usage()
