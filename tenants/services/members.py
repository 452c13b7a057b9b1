"""Who is a member of a tenant, and in which role. Each change holds the tenant's members locked until it is committed."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from saas.core import registry
from saas.core.errors import BadFrame, Conflict, Forbidden, NotFound
from saas.core.seen import refuse_if_changed
from tenants.access import Do, may, may_change_member
from tenants.audit import Thing, record
from tenants.models import Invitation, Membership, Role, Tenant, User
from tenants.resolve import MemberRef, ref
from tenants.services.announcing import announce_change
from tenants.services.sign_ins import close_sockets, end_in_tenant


@dataclass(frozen=True, slots=True)
class Gone:
    """A member who was taken out: their name, how many rooms were handed on, and how many invitations to them are void."""

    name: str
    rooms: int
    invitations: int = 0


def add_member(*, tenant_id: UUID, user: User, role: str, by: User | MemberRef | None = None) -> Membership:
    """Take a user into a tenant, or back into it.

    Raises BadFrame for a role that is none, Conflict for a member, PlanLimit if the plan has no seat left.
    """
    must_be_role(role)
    with transaction.atomic():
        kept = Membership.objects.select_for_update().filter(tenant_id=tenant_id, user=user).first()
        if kept is not None and kept.disabled_at is None:
            raise Conflict(f"{user.email} is a member already.")
        registry.seat_wanted(tenant_id=tenant_id, role=role)  # after the member, as `change_role` holds them, too
        member = _entered(kept, tenant_id=tenant_id, user=user, role=role)
        record(tenant_id, by=by or user, act="member.joined", on=_thing(member), after={"role": role, "email": user.email})
        announce_change(tenant_id)
    return member


def values_of(membership: Membership) -> dict[str, Any]:
    """What a page shows of a member that may be changed: what its `seen` is made of."""
    return {"role": membership.role, "disabled": membership.disabled_at is not None}


def change_role(membership: Membership, role: str, *, by: MemberRef | None = None, seen: str | None = None) -> bool:
    """Give a member another role. They are signed out and their sockets close: what is open was opened in the old one.

    False if it is the one that they have: nothing happens. Who may not answer any more hands on their rooms. Raises BadFrame for
    a role that is none, Conflict for the last owner or oneself, Forbidden where only an owner may, ChangedSince, PlanLimit if the
    plan has no seat left.
    """
    must_be_role(role)
    with transaction.atomic():
        kept = _lock(membership, by, seen, "role")
        if kept.role == role:
            return False
        if by is not None and role == Role.OWNER and by.role != Role.OWNER:
            raise Forbidden("Only an owner makes somebody an owner.", field="role")
        if kept.role == Role.VIEWER:
            registry.seat_wanted(tenant_id=kept.tenant_id, role=role)
        _must_not_be_last_owner(kept)
        _give(kept, role, by)
    membership.role = role
    return True


def transfer(tenant_id: UUID, *, by: MemberRef, to: UUID) -> User:
    """Make another member (by the id of their membership) the owner; whoever was the owner becomes an admin. Both are signed out.

    Raises Forbidden for who is no owner, NotFound for no active member, Conflict for an owner, PlanLimit without a seat.
    """
    with transaction.atomic():
        heir = _active(tenant_id, to)
        mine = _locked(tenant_id).filter(user_id=by.user_id, disabled_at=None, role=Role.OWNER).first()
        if mine is None:
            raise Forbidden("Only an owner hands over.")
        if heir.role == Role.OWNER:
            raise Conflict(f"{heir.user} is an owner already.", field="heir")
        if heir.role == Role.VIEWER:
            registry.seat_wanted(tenant_id=tenant_id, role=Role.OWNER)
        owner = {"before": {"owner": by.name}, "after": {"owner": str(heir.user)}}
        record(tenant_id, by=by, act="tenant.owner_changed", on=_thing(heir), **owner)
        _give(heir, Role.OWNER, by)
        _give(mine, Role.ADMIN, by)
    return heir.user


def disable(membership: Membership, *, by: MemberRef | None = None, heir: UUID | None = None, seen: str | None = None) -> Gone:
    """Take a member out of a tenant: signed out there, sockets closed, rooms given to `heir` (a user), or to nobody.

    Their user and other memberships stay. Invitations that wait for them under any of their addresses are withdrawn: nobody lets
    themselves in again. Raises Conflict for the last owner or oneself, Forbidden where only an owner may, ChangedSince, NotFound
    with field `heir` for who may not answer.
    """
    with transaction.atomic():
        void = _withdraw_invitations(membership, by)  # before the member, as who accepts one holds it first
        kept = _lock(membership, by, seen, "disable")
        if kept.disabled_at is not None:
            return Gone(str(kept.user), 0, void)
        _must_not_be_last_owner(kept)
        kept.disabled_at = membership.disabled_at = timezone.now()
        kept.save(update_fields=["disabled_at"])
        rooms = _hand_on(kept, heir=heir, by=by)
        record(kept.tenant_id, by=by, act="member.disabled", on=_thing(kept), after={"rooms_handed_on": rooms})
        _put_out(kept)
    return Gone(str(kept.user), rooms, void)


def enable(membership: Membership, *, by: MemberRef, seen: str | None = None) -> None:
    """Let a disabled member in again, in their old role. Raises PlanLimit without a seat, and as `disable` does."""
    with transaction.atomic():
        kept = _lock(membership, by, seen, "enable")
        if kept.disabled_at is None:
            return
        registry.seat_wanted(tenant_id=kept.tenant_id, role=kept.role)
        kept.disabled_at = membership.disabled_at = None
        kept.save(update_fields=["disabled_at"])
        record(kept.tenant_id, by=by, act="member.enabled", on=_thing(kept))
        announce_change(kept.tenant_id)


def remove(membership: Membership, *, by: MemberRef, heir: UUID | None = None, seen: str | None = None) -> Gone:
    """Disable a member and forget that they were one; what they wrote stays. Raises as `disable` does."""
    with transaction.atomic():
        gone = disable(membership, by=by, heir=heir, seen=seen)
        on = Thing("member", membership.user_id, gone.name)
        record(membership.tenant_id, by=by, act="member.removed", on=on, before={"role": membership.role})
        Membership.objects.filter(id=membership.id).delete()
        announce_change(membership.tenant_id)
    return gone


def must_be_role(role: str) -> None:
    """Raise BadFrame, with the field `role`, for what is no role."""
    if role not in Role.values:
        raise BadFrame(f"{role!r} is not one of {', '.join(Role.values)}.", field="role")


def _entered(kept: Membership | None, *, tenant_id: UUID, user: User, role: str) -> Membership:
    """Their row: new, or the one from before they were disabled. Raises Conflict where somebody else took them in meanwhile."""
    if kept is None:
        made, is_new = Membership.objects.get_or_create(tenant_id=tenant_id, user=user, defaults={"role": role})
        if not is_new:
            raise Conflict(f"{user.email} is a member already.")
        return made
    kept.role, kept.disabled_at = role, None
    kept.save(update_fields=["role", "disabled_at"])
    return kept


def _lock(membership: Membership, by: MemberRef | None, seen: str | None, act: str) -> Membership:
    """The member's row as it is now, held until the commit, if this person may change it."""
    kept: Membership | None = _locked(membership.tenant_id).filter(id=membership.id).first()
    if kept is None:
        raise NotFound("They are no member any more.")
    if by is not None:
        _may_change(by, kept, act)
    refuse_if_changed(seen, values_of(kept))
    return kept


def _locked(tenant_id: UUID) -> Any:
    """The members of the tenant, all of them held: of two owners who step down at once the second sees the first."""
    list(Membership.objects.select_for_update().filter(tenant_id=tenant_id, role=Role.OWNER).order_by("id").values_list("id"))
    return Membership.objects.select_for_update(of=("self",)).select_related("user").filter(tenant_id=tenant_id)


def _withdraw_invitations(membership: Membership, by: MemberRef | None) -> int:
    """End what is open to any address of theirs, also one that they have not verified yet; how many that were."""
    theirs = EmailAddress.objects.filter(user=membership.user_id).values("email")
    to_them = Q(email__in=theirs) | Q(email=membership.user.email)
    held = Invitation.objects.select_for_update().filter(to_them, tenant_id=membership.tenant_id)
    found = list(held.filter(accepted_at=None, withdrawn_at=None).order_by("id"))
    for one in found:
        on = Thing("invitation", one.id, one.email)
        record(membership.tenant_id, by=by, act="invitation.withdrawn", on=on)
    Invitation.objects.filter(id__in=[one.id for one in found]).update(withdrawn_at=timezone.now())
    return len(found)


def _may_change(by: MemberRef, member: Membership, act: str) -> None:
    if by.is_support or not may(by.role, Do.MANAGE_PEOPLE):
        raise Forbidden("Your role may not change people.")
    if by.user_id == member.user_id:
        raise Conflict("This is you. Ask another owner or admin, or hand over under Settings.", field=act)
    if not may_change_member(by.role, member.role):
        raise Forbidden("Only an owner changes an owner.", field=act)


def _must_not_be_last_owner(membership: Membership) -> None:
    owners = Membership.objects.filter(tenant_id=membership.tenant_id, role=Role.OWNER, disabled_at=None)
    if membership.role == Role.OWNER and membership.disabled_at is None and owners.count() == 1:
        raise Conflict("This is the last owner. Make somebody else an owner first.")


def _give(membership: Membership, role: str, by: MemberRef | None) -> None:
    """Store a role that may be given, and end what was opened in the old one."""
    before, membership.role = membership.role, role
    membership.save(update_fields=["role"])
    on = _thing(membership)
    record(membership.tenant_id, by=by, act="member.role_changed", on=on, before={"role": before}, after={"role": role})
    if not may(role, Do.ANSWER):
        _hand_on(membership, heir=None, by=by)
    _put_out(membership)


def _put_out(membership: Membership) -> None:
    """Signed out of the tenant, every socket closed, and every process told."""
    announce_change(membership.tenant_id)
    end_in_tenant(membership.tenant_id, membership.user_id)
    close_sockets(membership.tenant_id, membership.user_id)


def _hand_on(membership: Membership, *, heir: UUID | None, by: MemberRef | None) -> int:
    """Give what the member holds to somebody else, or to nobody; how many rooms that were. Raises NotFound for a wrong heir."""
    tenant = ref(Tenant.objects.get(id=membership.tenant_id))
    if heir is not None and not _may_answer(membership, heir):
        raise NotFound("There is no other member by this name who answers.", field="heir")
    facts = {"user_id": membership.user_id, "heir": heir, "name": str(membership.user), "by": by.name if by else "Porchlight"}
    return sum(registry.member_left(tenant=tenant, **facts))


def _may_answer(leaver: Membership, heir: UUID) -> bool:
    others = Membership.objects.exclude(id=leaver.id).filter(tenant_id=leaver.tenant_id, disabled_at=None, user__is_active=True)
    role = others.filter(user_id=heir).values_list("role", flat=True).first()
    return may(role, Do.ANSWER)


def _active(tenant_id: UUID, member_id: UUID) -> Membership:
    found = _locked(tenant_id).filter(id=member_id, disabled_at=None, user__is_active=True).first()
    if found is None:
        raise NotFound("There is no such member.", field="heir")
    member: Membership = found
    return member


def _thing(membership: Membership) -> Thing:
    return Thing("member", membership.user_id, str(membership.user))
