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
    SEE_AUDIT = "see_audit"  # who did what, when, from where
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
    Do.SEE_AUDIT: frozenset({Role.OWNER, Role.ADMIN}),
    Do.MANAGE_TENANT: frozenset({Role.OWNER}),
}


SAYS: dict[Do, str] = {
    Do.READ_ROOMS: "Read rooms, and see who is in the team",
    Do.ANSWER: "Answer visitors, resolve and hand on rooms",
    Do.MODERATE: "Moderate: mute, ban, pin, lock, settle reports",
    Do.MANAGE_ROOMS: "Make, change, archive and delete rooms",
    Do.MANAGE_SITES: "Make and change sites: look, texts, hours, who may embed them",
    Do.MANAGE_PEOPLE: "Invite people, change roles, sign out, disable and remove members",
    Do.SEE_USAGE: "See what was used",
    Do.MANAGE_BILLING: "See and change the plan, pay, read invoices",
    Do.SEE_AUDIT: "Read the audit log",
    Do.MANAGE_TENANT: "Rename, ask everybody for two-factor, hand over, close",
}  # for people, on the page of roles

ROLE_SAYS: dict[Role, str] = {
    Role.OWNER: "everything, also what can end it",
    Role.ADMIN: "rooms, sites, people and billing",
    Role.AGENT: "answers and moderates; needs a seat",
    Role.VIEWER: "reads along; needs no seat",
}


def may(role: str | None, permission: Do) -> bool:
    """True if a member with this role may do this; an unknown role may do nothing."""
    return role in ALLOWED[permission]


def may_change_member(role: str | None, of: str) -> bool:
    """True if a member with this role may change, sign out, disable or remove one with that role: an owner only by an owner."""
    return may(role, Do.MANAGE_PEOPLE) and (of != Role.OWNER or role == Role.OWNER)
