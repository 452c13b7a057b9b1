"""Who may do what in a tenant: one table from permission to roles."""

from enum import StrEnum

from tenants.models import Role


class Do(StrEnum):
    """Something a member may or may not do."""

    READ_ROOMS = "read_rooms"
    ANSWER = "answer"  # write, resolve, reopen, assign
    MODERATE = "moderate"  # mute, ban, remove, pin, lock, slow down, invite, settle reports
    MANAGE_ROOMS = "manage_rooms"  # make, rename, archive, who may join, who is a moderator
    MANAGE_SITES = "manage_sites"  # look, texts, allowed origins, embed keys
    MANAGE_PEOPLE = "manage_people"  # invite, change roles, disable
    SEE_USAGE = "see_usage"  # what was used, not what it costs
    MANAGE_BILLING = "manage_billing"  # see and change what is paid
    MANAGE_TENANT = "manage_tenant"  # rename, domains, close


ALLOWED: dict[Do, frozenset[Role]] = {
    Do.READ_ROOMS: frozenset({Role.OWNER, Role.ADMIN, Role.AGENT, Role.VIEWER}),
    Do.ANSWER: frozenset({Role.OWNER, Role.ADMIN, Role.AGENT}),
    Do.MODERATE: frozenset({Role.OWNER, Role.ADMIN, Role.AGENT}),
    Do.MANAGE_ROOMS: frozenset({Role.OWNER, Role.ADMIN}),
    Do.MANAGE_SITES: frozenset({Role.OWNER, Role.ADMIN}),
    Do.MANAGE_PEOPLE: frozenset({Role.OWNER, Role.ADMIN}),
    Do.SEE_USAGE: frozenset({Role.OWNER, Role.ADMIN, Role.AGENT, Role.VIEWER}),
    Do.MANAGE_BILLING: frozenset({Role.OWNER, Role.ADMIN}),
    Do.MANAGE_TENANT: frozenset({Role.OWNER}),
}


def may(role: str | None, permission: Do) -> bool:
    """True if a member with this role may do this; an unknown role may do nothing."""
    return role in ALLOWED[permission]
