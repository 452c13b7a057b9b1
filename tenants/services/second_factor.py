"""A person's second factor: whether a code is theirs, what follows from it, and from its absence where a tenant asks for one."""

from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator

from saas.core.errors import Forbidden
from tenants.context import TenantRef
from tenants.models import Membership, User
from tenants.resolve import MemberRef
from tenants.selectors import has_second_factor, platform_url
from tenants.services.announcing import announce_change
from tenants.services.sign_ins import close_sockets
from tenants.token_keys import Unreadable


def factor_changed(*, user: User, **_facts: Any) -> None:
    """`second_factor_changed`, as a signal of allauth calls it."""
    second_factor_changed(user)


def second_factor_changed(user: User) -> None:
    """After a user set up a second factor or gave one up: every process forgets what it knew, and where one is asked for, what
    they have open closes if it was the last."""
    gone = not has_second_factor(user.id)
    for membership in Membership.objects.filter(user=user).select_related("tenant"):
        announce_change(membership.tenant_id)
        if gone and membership.tenant.needs_two_factor:
            close_sockets(membership.tenant_id, user.id)


def use_code(user_id: UUID, code: str) -> Authenticator | None:
    """The app or the recovery codes of this user to which the code belongs; it is used up. None if it belongs to neither.

    Raises Unreadable if it may belong to one of which nobody can say so any more.
    """
    lost: Unreadable | None = None
    for kept in Authenticator.objects.filter(user_id=user_id).exclude(type=Authenticator.Type.WEBAUTHN):
        one = kept.wrap()
        try:
            if one.validate_code(code):
                return one.instance
        except Unreadable as error:
            lost = error
    if lost is not None:
        raise lost
    return None


def refuse_locked(tenant: TenantRef, member: MemberRef) -> None:
    """Raise Forbidden for a member without the second factor that their tenant asks for, with the way to one."""
    if member.is_locked:
        raise Forbidden(f"{tenant.name} asks for two-factor. Set it up first: {platform_url('/you/two-factor/')}")
