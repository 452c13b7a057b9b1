"""Invitations into a tenant: a link by mail that takes one person in, once, within seven days."""

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db import connection, transaction
from django.utils import timezone

from saas.core import mail, registry
from saas.core.errors import Conflict, Forbidden, NotFound
from saas.core.ratelimit import check
from tenants import limits
from tenants.access import Do, may
from tenants.audit import Thing, record
from tenants.models import Invitation, Membership, Role, Tenant, User
from tenants.resolve import MemberRef
from tenants.selectors import platform_url, user_by_email
from tenants.services.members import add_member, must_be_role

LIFE: Final = timedelta(days=7)


def invite(tenant_id: UUID, *, by: MemberRef, email: str, role: str) -> Invitation:
    """Invite whoever reads the mail of this address; the link goes out after the commit.

    One that ran out before is replaced. Raises BadFrame for a role that is none, Forbidden where only an owner may, Conflict for
    a member or an address that has an invitation already, PlanLimit without a seat, RateLimited.
    """
    email = email.strip().lower()
    must_be_role(role)
    _may_invite(by, role)
    with transaction.atomic():
        _one_at_a_time(tenant_id)
        _end_old(tenant_id, email, by)  # before the seat, as who accepts holds them in this order, and may be in after it
        _refuse_member(tenant_id, email)
        registry.seat_wanted(tenant_id=tenant_id, role=role)
        check(limits.INVITATIONS, tenant_id, tenant_id)
        code = secrets.token_urlsafe(32)
        inviter = {"invited_by_id": by.user_id, "expires_at": timezone.now() + LIFE}
        made = Invitation.objects.create(tenant_id=tenant_id, email=email, role=role, code_hash=_digest(code), **inviter)
        record(tenant_id, by=by, act="member.invited", on=_thing(made), after={"role": role})
        _send(made, Tenant.objects.get(id=tenant_id), code, by.name)
    return made


def resend(tenant_id: UUID, invitation_id: UUID, *, by: MemberRef) -> Invitation:
    """Send it again with a new link that works for seven days; the old one works no more. Raises NotFound, RateLimited."""
    with transaction.atomic():
        found = _open(tenant_id, invitation_id, by)
        check(limits.INVITATIONS, tenant_id, tenant_id)
        check(limits.INVITATION_AGAIN, tenant_id, found.id)
        code = secrets.token_urlsafe(32)
        found.code_hash, found.sent_at, found.expires_at = _digest(code), timezone.now(), timezone.now() + LIFE
        found.sent_count += 1
        found.save(update_fields=["code_hash", "sent_at", "expires_at", "sent_count"])
        record(tenant_id, by=by, act="invitation.resent", on=_thing(found))
        _send(found, Tenant.objects.get(id=tenant_id), code, by.name)
    return found


def withdraw(tenant_id: UUID, invitation_id: UUID, *, by: MemberRef) -> Invitation:
    """Its link works no more. Raises NotFound for one that is not open."""
    with transaction.atomic():
        found = _open(tenant_id, invitation_id, by)
        found.withdrawn_at = timezone.now()
        found.save(update_fields=["withdrawn_at"])
        record(tenant_id, by=by, act="invitation.withdrawn", on=_thing(found))
    return found


def invitation_for(code: str) -> Invitation | None:
    """The invitation whose link this is, whatever became of it, with its tenant and who invited; None for a link of nobody."""
    found = Invitation.objects.select_related("tenant", "invited_by").filter(code_hash=_digest(code))
    return found.first()


def accept(code: str, user: User) -> Membership:
    """Take a user who signs in with the invited address into the tenant; the address counts as verified, since its mail was read.

    Raises NotFound for a link that does not work, Conflict for somebody else or a member, also a disabled one, PlanLimit without
    a seat.
    """
    with transaction.atomic():
        found = _usable(code)
        if user_by_email(found.email) != user:
            raise Conflict(f"This invitation is for {found.email}.")
        _verify(user, found.email)
        return _take_in(found, user)


def accept_as_new(code: str, *, name: str, password: str) -> Membership:
    """Make a user with the invited address and take them in, in one transaction.

    Raises NotFound for a link that does not work, Conflict if somebody signs in with the address, PlanLimit without a seat.
    """
    with transaction.atomic():
        found = _usable(code)
        if user_by_email(found.email) is not None:
            raise Conflict(f"{found.email} signs in already. Sign in to accept.")
        user = User.objects.create_user(found.email, password, name=name)
        _verify(user, found.email)
        return _take_in(found, user)


def _usable(code: str) -> Invitation:
    """The invitation of this link, held, if it still takes somebody in."""
    held = Invitation.objects.select_for_update(of=("self",)).select_related("tenant")
    found = held.filter(code_hash=_digest(code), accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now()).first()
    if found is None or found.tenant.status != Tenant.Status.ACTIVE:
        raise NotFound("This invitation does not work any more.")
    return found


def _take_in(found: Invitation, user: User) -> Membership:
    """Make them a member. Who was disabled comes in again when an admin says so, and not by a link from before.

    Held first and looked at then: who is being disabled at this moment would not be found among the disabled yet.
    """
    held = Membership.objects.select_for_update().filter(tenant_id=found.tenant_id, user=user).first()
    if held is not None and held.disabled_at is not None:
        raise Conflict(f"You were disabled in {found.tenant.name}. An owner or admin there can let you in again.")
    found.accepted_at = timezone.now()
    found.save(update_fields=["accepted_at"])
    return add_member(tenant_id=found.tenant_id, user=user, role=found.role)


def _verify(user: User, email: str) -> None:
    """The address is theirs: whoever else typed it in without proof loses it."""
    EmailAddress.objects.filter(email=email).exclude(user=user).delete()
    primary = not EmailAddress.objects.filter(user=user, primary=True).exclude(email=email).exists()
    EmailAddress.objects.update_or_create(user=user, email=email, defaults={"verified": True, "primary": primary})


def _open(tenant_id: UUID, invitation_id: UUID, by: MemberRef) -> Invitation:
    held = Invitation.objects.select_for_update()
    found = held.filter(id=invitation_id, tenant_id=tenant_id, accepted_at=None, withdrawn_at=None).first()
    if found is None:
        raise NotFound("This invitation was accepted or withdrawn.")
    _may_invite(by, found.role)
    return found


def _one_at_a_time(tenant_id: UUID) -> None:
    """Of two who invite at once one waits. Not for the tenant's row: who suspends a tenant holds what a seat is given under, and
    then writes that row, so that each would wait for the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"invitations of {tenant_id}"])


def _may_invite(by: MemberRef, role: str) -> None:
    if by.is_support or not may(by.role, Do.MANAGE_PEOPLE):
        raise Forbidden("Your role may not invite people.")
    if role == Role.OWNER and by.role != Role.OWNER:
        raise Forbidden("Only an owner makes somebody an owner.", field="role")


def _refuse_member(tenant_id: UUID, email: str) -> None:
    user = user_by_email(email)
    member = Membership.objects.filter(tenant_id=tenant_id, user=user).first() if user else None
    if member is not None:
        what = "is a member already" if member.disabled_at is None else "is a member who was disabled: enable them again"
        raise Conflict(f"{email} {what}.", field="email")


def _end_old(tenant_id: UUID, email: str, by: MemberRef) -> None:
    """One that has run out makes way; one that works is sent again by its own button."""
    waiting = Invitation.objects.select_for_update().filter(tenant_id=tenant_id, email=email, accepted_at=None, withdrawn_at=None)
    found = waiting.first()
    if found is None:
        return
    if found.expires_at > timezone.now():
        raise Conflict(f"{email} has an invitation already. Send it again, or withdraw it first.", field="email")
    found.withdrawn_at = timezone.now()
    found.save(update_fields=["withdrawn_at"])
    record(tenant_id, by=by, act="invitation.replaced", on=_thing(found), before={"ran_out": found.expires_at})


def _send(invitation: Invitation, tenant: Tenant, code: str, inviter: str) -> None:
    context: dict[str, Any] = {
        "tenant": tenant,
        "inviter": inviter,
        "role": Role(invitation.role),
        "days": LIFE.days,
        "link": platform_url(f"/invitations/{code}/"),
    }
    mail.send("invitation", to=invitation.email, context=context)


def _thing(invitation: Invitation) -> Thing:
    return Thing("invitation", invitation.id, invitation.email)


def _digest(code: str) -> bytes:
    return sha256(code.encode()).digest()
