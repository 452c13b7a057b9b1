"""A tenant from one state of access to the next. Webhooks, the clock and staff may come at once: one of them moves it, once.

Each move is one transition, one line of the audit and one mail to whoever looks after billing, in one transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from billing.access import LONGEST_HOLD, Facts, State, Verdict, next_state
from billing.clock import now
from billing.models import AccessTransition, BillingAccount
from billing.selectors.facts import facts_of
from billing.selectors.limits import Limits, limits_of
from billing.services.audit import CLOCK, Actor, record
from billing.services.telling import tell
from billing.words import of_state
from saas.core.errors import BadFrame, Conflict, NotFound
from tenants.models import Tenant
from tenants.services import announce_change

STATUS: Final[Mapping[str, str]] = {  # of the tenant's row; all others are active
    State.SUSPENDED: Tenant.Status.SUSPENDED,
    State.CLOSED: Tenant.Status.CLOSED,
}


@dataclass(frozen=True, slots=True)
class _Act:
    """Who moves it, what it is called in the audit, and why in their words."""

    actor: Actor
    name: str = "access.move"
    note: str = ""


def settle(account_id: UUID, *, actor: Actor = CLOCK) -> str:
    """Bring the state in line with the rows, and return it. Doing it again changes nothing. Raises NotFound.

    Call it after any change of a subscription or an invoice: every process looks anew at plan and limits, too.
    """
    with transaction.atomic():
        announce_change(account_id)
        return _settle(_locked(account_id), _Act(actor))


def tick(account_id: UUID) -> str:
    """The same for the clock, which comes again and again: nobody hears of it unless something moves."""
    with transaction.atomic():
        return _settle(_locked(account_id), _Act(CLOCK))


def suspend(account_id: UUID, *, actor: Actor, reason: str) -> None:
    """Staff close a tenant's inbox and chat; no payment opens them. Raises BadFrame without a reason, Conflict if it is so."""
    _demand(reason)
    with transaction.atomic():
        account = _locked(account_id)
        if account.suspended_by_staff or account.access_state == State.CLOSED:
            raise Conflict(f"This tenant is {account.access_state} already.")
        account.suspended_by_staff = True
        account.save(update_fields=["suspended_by_staff"])
        _settle(account, _Act(actor, "access.suspend", reason.strip()))


def lift(account_id: UUID, *, actor: Actor, reason: str) -> None:
    """Take staff's suspension back; what money says holds again.

    Raises BadFrame without a reason, Conflict for a tenant that staff have not suspended.
    """
    _demand(reason)
    with transaction.atomic():
        account = _locked(account_id)
        if not account.suspended_by_staff:
            raise Conflict("Staff have not suspended this tenant. If it owes money, hold it until a day.")
        account.suspended_by_staff = False
        account.save(update_fields=["suspended_by_staff"])
        _settle(account, _Act(actor, "access.lift", reason.strip()))


def hold(account_id: UUID, *, until: datetime | None, actor: Actor, reason: str) -> None:
    """Until then money restricts nothing; None ends the hold. Raises BadFrame without a reason, and for a moment that is over
    or lies more than two years ahead.
    """
    _demand(reason)
    if until is not None:
        must_end(until, "A hold")
    with transaction.atomic():
        account = _locked(account_id)
        before = {"exempt_until": account.exempt_until and account.exempt_until.isoformat()}
        account.exempt_until = until
        account.save(update_fields=["exempt_until"])
        after = {"exempt_until": until and until.isoformat()}
        record("access.hold", tenant_id=account_id, actor=actor, before=before, after=after, reason=reason.strip())
        _settle(account, _Act(actor, note=reason.strip()))


def must_end(until: datetime, what: str) -> None:
    """What staff give ends at a moment to come, within two years. Raises BadFrame beside `until`."""
    moment = now()
    if until <= moment:
        raise BadFrame(f"{until:%Y-%m-%d %H:%M} is over. {what} ends at a moment that is still to come.", field="until")
    if until > moment + LONGEST_HOLD:
        last = moment + LONGEST_HOLD - timedelta(days=1)
        raise BadFrame(f"{until:%Y-%m-%d} is too far ahead. {what} ends on {last:%Y-%m-%d} at the latest.", field="until")


def close(account_id: UUID, *, actor: Actor, by_owner: bool) -> None:
    """The last move: nothing leads back. `billing/services/closing.py` asks for it, and sees to the data."""
    with transaction.atomic():
        account = _locked(account_id)
        limits = limits_of(account)
        facts = facts_of(account, limits)
        verdict = next_state(State.CLOSED, replace(facts, by_owner=by_owner))
        if account.access_state != State.CLOSED:
            _move(account, verdict, facts, limits, _Act(actor, "access.close"))


def _settle(account: BillingAccount, act: _Act) -> str:
    limits = limits_of(account)
    facts = facts_of(account, limits)
    verdict = next_state(account.access_state, facts)
    if verdict.state == State.CLOSED:  # by the clock: `closing` is asked, which ends the subscription first
        verdict = replace(verdict, state=account.access_state, reason=account.access_reason)
    if (verdict.state, verdict.reason) != (account.access_state, account.access_reason):
        _move(account, verdict, facts, limits, act)
    elif account.failing_since != facts.owed_since:
        BillingAccount.objects.filter(pk=account.pk).update(failing_since=facts.owed_since)
    return verdict.state


def _move(account: BillingAccount, verdict: Verdict, facts: Facts, limits: Limits, act: _Act) -> None:
    """Compare and set: if somebody was faster nothing is written, and the caller's transaction ends in Conflict."""
    is_step = verdict.state != account.access_state
    values: dict[str, Any] = {
        "access_state": verdict.state,
        "access_reason": verdict.reason,
        "state_since": facts.now if is_step else account.state_since,
        "state_version": account.state_version + 1,
        "failing_since": facts.owed_since,
    }
    if not BillingAccount.objects.filter(pk=account.pk, state_version=account.state_version).update(**values):
        raise Conflict("Somebody else changed this tenant's access in the meantime.")
    _write_down(account, verdict, act, facts.now)
    _shut(account, verdict.state)
    tell(account, of_state(verdict.state, verdict.reason, verdict.next_step, limits), key=f"access:{values['state_version']}")
    announce_change(account.pk)


def _write_down(account: BillingAccount, verdict: Verdict, act: _Act, moment: datetime) -> None:
    before = {"state": account.access_state, "reason": account.access_reason}
    after = {"state": str(verdict.state), "reason": str(verdict.reason)}
    AccessTransition.objects.create(
        account=account,
        before=account.access_state,
        after=verdict.state,
        reason=verdict.reason,
        note=act.note,
        actor=act.actor.email,
        at=moment,
    )
    record(act.name, tenant_id=account.pk, actor=act.actor, before=before, after=after, reason=act.note)


def _shut(account: BillingAccount, state: str) -> None:
    """What the apps below know of it. A tenant that staff shut by hand, past billing, stays shut."""
    before, after = STATUS.get(account.access_state, Tenant.Status.ACTIVE), STATUS.get(state, Tenant.Status.ACTIVE)
    if before != after:
        Tenant.objects.filter(id=account.pk).update(status=after)


def _locked(account_id: UUID) -> BillingAccount:
    account = BillingAccount.objects.select_for_update(of=("self",)).select_related("tenant").filter(pk=account_id).first()
    if account is None:
        raise NotFound(f"There is no tenant {account_id}.")
    return account


def _demand(reason: str) -> None:
    if not reason.strip():
        raise BadFrame("Say why: the tenant's timeline shows it.", field="reason")
