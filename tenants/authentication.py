"""Who is asking, for the HTTP API on a tenant's host: an access token in `Authorization`, or the console's session."""

import time
from typing import cast

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from saas.core.errors import NotFound, Unauthenticated
from tenants.context import TenantRef
from tenants.models import SignIn
from tenants.resolve import MemberRef, membership_for
from tenants.services import refuse_locked, saw
from tenants.tokens import LIFE, Principal, read_access


def tenant_of(request: HttpRequest | Request) -> TenantRef:
    """The tenant whose host was asked. Raises NotFound on every other host."""
    tenant: TenantRef | None = getattr(request, "tenant", None)
    if tenant is None:
        raise NotFound("There is nothing here.")
    return tenant


def principal_of(request: Request) -> Principal:
    """The agent who asks, with the role of this moment. For views behind `IsMember`."""
    return cast(Principal, request.auth)


def member_of(request: HttpRequest) -> MemberRef:
    """The member whose session this is. For views behind `member_required`."""
    member: MemberRef | None = getattr(request, "member", None)
    if member is None:
        raise Unauthenticated("Sign in first.")
    return member


def is_program(request: Request) -> bool:
    """Whether it was asked with an access token, and not from a page of ours."""
    return _bearer(request) is not None


def session_principal(request: HttpRequest) -> Principal | None:
    """The member of the console's session, if there is one; see MembershipMiddleware."""
    member: MemberRef | None = getattr(request, "member", None)
    if member is None:
        return None
    return _agent(tenant_of(request), member, sid=str(request.session["sid"]), expires=time.time() + LIFE)


def agent_of(request: HttpRequest) -> Principal:
    """The same for views behind `needs`, as services take who acts. Raises Unauthenticated for nobody."""
    agent = session_principal(request)
    if agent is None:
        raise Unauthenticated("Sign in first.")
    return agent


class AgentAuthentication(BaseAuthentication):
    """`request.user` and `request.auth` become the Principal. A session needs the CSRF token for whatever changes state."""

    def authenticate(self, request: Request) -> tuple[Principal, Principal] | None:
        bearer = _bearer(request)
        principal = _holder(request, bearer) if bearer else session_principal(request._request)
        if principal is None:
            return None
        if not bearer:
            _enforce_csrf(request)
        return principal, principal

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _bearer(request: Request) -> str | None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _holder(request: Request, token: str) -> Principal:
    """The token names the person; the role is that of the membership now, and a sign-in that was ended counts no more."""
    tenant = tenant_of(request)
    said = read_access(token, tenant)
    member = membership_for(tenant.id, said.id)
    if member is None or not SignIn.objects.filter(id=said.sid, tenant=tenant.id, ended_at=None).exists():
        raise Unauthenticated("You are no longer signed in.")
    refuse_locked(tenant, member)
    saw(said.sid)
    return _agent(tenant, member, sid=said.sid, expires=said.expires)


def _agent(tenant: TenantRef, member: MemberRef, *, sid: str, expires: float) -> Principal:
    return Principal(
        tenant_id=tenant.id,
        kind="agent",
        id=member.user_id,
        name=member.name,
        role=member.role,
        site_id=None,
        parent=None,
        sid=sid,
        expires=expires,
    )


def _enforce_csrf(request: Request) -> None:
    check = CSRFCheck(lambda _: None)  # type: ignore[arg-type]
    check.process_request(request._request)
    reason = check.process_view(request._request, None, (), {})  # type: ignore[arg-type]
    if reason:
        raise PermissionDenied("CSRF")
