"""What follows from a person's second factor, and from its absence where a tenant asks for one."""

from typing import Any

from saas.core.errors import Forbidden
from tenants.context import TenantRef
from tenants.models import Membership, User
from tenants.resolve import MemberRef
from tenants.selectors import has_second_factor, platform_url
from tenants.services.announcing import announce_change
from tenants.services.sign_ins import close_sockets


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


def refuse_locked(tenant: TenantRef, member: MemberRef) -> None:
    """Raise Forbidden for a member without the second factor that their tenant asks for, with the way to one."""
    if member.is_locked:
        raise Forbidden(f"{tenant.name} asks for two-factor. Set it up first: {platform_url('/you/two-factor/')}")
