"""Staff look into a tenant: because its owner agreed, for a while, as somebody who reads and changes nothing.

The tenant sees it: in its list of visits, in what is written down about it, and as a banner on every page of the visit.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from billing.clock import now
from billing.models import BillingAccount, SupportVisit
from billing.services.audit import CLOCK, Actor, record
from saas.core.errors import BadFrame, Conflict, Forbidden, NotFound
from tenants.models import SignIn, User
from tenants.services import announce_change, end_sign_in

LONGEST_CONSENT: Final = timedelta(days=7)
LONGEST: Final = timedelta(hours=4)


def consent(account_id: UUID, *, until: datetime | None, by: User) -> None:
    """The tenant lets support look in until then; None takes it back, and ends visits at once.

    Raises BadFrame for a moment that is over or more than seven days ahead.
    """
    if until is not None and not now() < until <= now() + LONGEST_CONSENT:
        raise BadFrame("That is a moment within the next seven days.", field="until")
    with transaction.atomic():
        account = BillingAccount.objects.select_for_update().get(pk=account_id)
        before = {"support_until": account.support_until and account.support_until.isoformat()}
        account.support_until, account.support_by = until, by if until else None
        account.save(update_fields=["support_until", "support_by"])
        after = {"support_until": until and until.isoformat()}
        record("support.consent", tenant_id=account_id, actor=Actor(by.email), before=before, after=after)
        for visit in _open(account_id) if until is None else ():
            _end(visit, Actor(by.email))


def begin(account_id: UUID, *, staff: User, reason: str, length: timedelta = timedelta(hours=1)) -> SupportVisit:
    """Look in, for so long. One's own open visit is gone on with.

    Raises Forbidden without the owner's consent, BadFrame without a reason or for more than four hours, Conflict for a member.
    """
    if not reason.strip():
        raise BadFrame("Say why: the tenant reads it.", field="reason")
    if not timedelta(0) < length <= LONGEST:
        raise BadFrame("A visit lasts for up to four hours.", field="length")
    with transaction.atomic():
        until = _consent_of(account_id)
        if staff.memberships.filter(tenant_id=account_id, disabled_at=None).exists():
            raise Conflict("You are a member of this tenant: sign in there as yourself.")
        mine = _open(account_id, staff)
        if mine:
            return mine[0]
        visit: SupportVisit = SupportVisit.objects.create(
            account_id=account_id, staff=staff, reason=reason.strip(), began_at=now(), ends_at=min(now() + length, until)
        )
        after = {"ends_at": visit.ends_at.isoformat()}
        record("support.begin", tenant_id=account_id, actor=_actor(staff), after=after, reason=visit.reason)
        announce_change(account_id)
    return visit


def end(visit_id: UUID, *, actor: Actor = CLOCK) -> None:
    """End a visit: signed out there, sockets closed. One that is over stays as it is."""
    with transaction.atomic():
        visit = SupportVisit.objects.select_for_update().filter(id=visit_id, ended_at=None).first()
        if visit is not None:
            _end(visit, actor)


def end_due() -> int:
    """End what has lasted long enough; how many."""
    due = list(SupportVisit.objects.filter(ended_at=None, ends_at__lte=now()).values_list("id", flat=True))
    for visit_id in due:
        end(visit_id)
    return len(due)


def visitor(*, tenant_id: UUID, user_id: UUID) -> tuple[str, str] | None:
    """Answers `support_visit`: the name and address of staff who may look into the tenant at this moment."""
    visit = (
        SupportVisit.objects.filter(account_id=tenant_id, staff_id=user_id, ended_at=None, ends_at__gt=now())
        .filter(staff__is_staff=True, staff__is_active=True)
        .select_related("staff")
        .first()
    )
    return (f"{visit.staff.name} (support)", visit.staff.email) if visit else None


def _consent_of(account_id: UUID) -> datetime:
    account = BillingAccount.objects.select_for_update().filter(pk=account_id).first()
    if account is None:
        raise NotFound(f"There is no tenant {account_id}.")
    if account.support_until is None or account.support_until <= now():
        raise Forbidden("The tenant's owner has not agreed. They do so on their billing page, under Settings.")
    until: datetime = account.support_until
    return until


def _open(account_id: UUID, staff: User | None = None) -> list[SupportVisit]:
    visits = SupportVisit.for_tenant(account_id).select_for_update().filter(ended_at=None, ends_at__gt=now())
    return list(visits if staff is None else visits.filter(staff=staff))


def _end(visit: SupportVisit, actor: Actor) -> None:
    visit.ended_at = now()
    visit.save(update_fields=["ended_at"])
    for sign_in in SignIn.objects.filter(tenant_id=visit.account_id, user_id=visit.staff_id, ended_at=None):
        end_sign_in(sign_in.id)
    record("support.end", tenant_id=visit.account_id, actor=actor, after={"visit": str(visit.id)}, reason=visit.reason)
    announce_change(visit.account_id)


def _actor(staff: User) -> Actor:
    return Actor(staff.email, is_staff=True)
