"""Telling a tenant in time: of what it has used, and of what comes if it does not pay. Each is said once.

The row of a UsageAlert decides who says it: whoever inserts it does.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from billing.access import NOTICES, State
from billing.clock import now
from billing.models import BillingAccount, Meter, UsageAlert
from billing.money import text
from billing.plans import METER_NAMES
from billing.selectors.facts import CLOSING, LATE, days
from billing.selectors.limits import BUFFER, Limits, limits_of
from billing.selectors.thresholds import SPEND, THEN, Crossed, crossed
from billing.selectors.usage import used
from billing.services.telling import tell
from billing.words import INVOICES, PLANS, SETTINGS, Told, day, used_of

USAGE: Final = "/billing/usage/"
REMINDERS: Final = (3, 6)  # days after a payment failed; the day itself is the change of state


def check_usage(account_id: UUID) -> int:
    """Tell the tenant of each highest threshold that it has crossed in this period and was not told of; how many.

    Of two that were crossed at once only the higher is told. Any number may ask at the same time.
    """
    with transaction.atomic():
        account = _locked(account_id)
        limits = limits_of(account)
        counted = limits.used or used(account_id, limits.period)
        found = [one for one in crossed(limits, counted) if _is_first(account, one.meter, limits.period.start, one)]
        for one in found:
            _say(account, one, limits, counted)
    return len(found)


def remind(account_id: UUID) -> int:
    """Tell a tenant that owes money what comes next, on the days of `REMINDERS`, and of the deletion on those of `NOTICES`.

    How many were told. What is overdue for several days is told once, with the last of them.
    """
    with transaction.atomic():
        account = _locked(account_id)
        since = account.failing_since
        if since is None or (account.exempt_until is not None and account.exempt_until > now()):
            return 0
        due = [_late(account, since), _closing(account, since)]
        found = [(one, told) for one, told in filter(None, due) if _is_first(account, one.meter, since, one)]
        for one, told in found:
            tell(account, told, key=f"{one.meter}:{one.threshold}:{since:%Y%m%d%H%M}", kind="access")
    return len(found)


def _is_first(account: BillingAccount, meter: str, period_start: datetime, one: Crossed) -> bool:
    """Write it down, unless it or a higher one is there. The account's lock keeps the order; the unique key would, too."""
    told = UsageAlert.for_tenant(account.pk).filter(meter=meter, period_start=period_start)
    if told.filter(threshold__gte=one.threshold).exists():
        return False
    UsageAlert.objects.create(
        account=account, meter=meter, period_start=period_start, threshold=one.threshold, used=one.used, at=now()
    )
    return True


def _say(account: BillingAccount, one: Crossed, limits: Limits, counted: Mapping[Meter, int]) -> None:
    told = _of_spend(account, one, limits) if one.meter == SPEND else _of_usage(one, limits, counted)
    key = f"usage:{one.meter}:{one.threshold}:{limits.period.start:%Y%m%d%H%M}"
    tell(account, told, key=key, kind="usage", by_mail=account.alerts_by_mail)


def _of_usage(one: Crossed, limits: Limits, counted: Mapping[Meter, int]) -> Told:
    meter = Meter(one.meter)
    title = f"{one.threshold} % of this period's {METER_NAMES[meter]} are used"
    says = f"{used_of(limits, meter, counted)} {_then(limits, meter)} The next period begins on {day(limits.period.end)}."
    if meter not in limits.hard:
        return Told(title, says, "Usage", USAGE)
    return Told(title, says, "Go on" if limits.is_resting else "Choose a plan", PLANS)


def _then(limits: Limits, meter: Meter) -> str:
    if meter not in limits.hard:
        return "Nothing stops: what lies beyond is on the next invoice."
    out = f"going on with {limits.plan.name}" if limits.is_resting else "a larger plan"
    if meter == Meter.MESSAGE:
        return f"From {100 + BUFFER} % on your team cannot send, while visitors still can; {out} opens it at once."
    return f"From {100 + BUFFER} % on new rooms, members and sites wait; {out} opens them at once."


def _of_spend(account: BillingAccount, one: Crossed, limits: Limits) -> Told:
    cap, spent = text(limits.spend_cap or 0, account.currency), text(one.used, account.currency)
    then = (
        "Your team cannot send until the cap is raised" if one.threshold >= THEN else "At the cap your team cannot send any more"
    )
    says = f"Your cap is {cap} beyond the plan in each period, and {spent} is used. {then}; visitors still can."
    says = f"{says} The next period begins on {day(limits.period.end)}."
    return Told(f"{one.threshold} % of your spend cap is used", says, "Raise the cap", SETTINGS)


def _late(account: BillingAccount, since: datetime) -> tuple[Crossed, Told] | None:
    passed = [number for number in REMINDERS if since + timedelta(days=number) <= now()]
    if account.access_state != State.GRACE or not passed:
        return None
    at = day(since + timedelta(days=days().grace))
    says = f"We could not collect your last invoice. From {at} on new rooms, members and sites wait, unless it is paid before."
    return Crossed(LATE, passed[-1], passed[-1]), Told("Your payment is still open", says, "Pay", INVOICES)


def _closing(account: BillingAccount, since: datetime) -> tuple[Crossed, Told] | None:
    """Thresholds count upwards here as well: the day without payment on which it is told."""
    last = days().closed
    passed = [last - before for before in NOTICES if since + timedelta(days=last - before) <= now()]
    if account.access_state != State.SUSPENDED or account.suspended_by_staff or not passed:
        return None
    at = max(since + timedelta(days=last), now() + timedelta(days=NOTICES[-1]))
    says = (
        f"Your last invoice is open since {day(since)}. On {day(at)} all data of this tenant is deleted: rooms, messages,"
        " visitors, files. Until then you can pay, and everything opens at once, or export your data under Billing."
    )
    return Crossed(CLOSING, passed[-1], passed[-1]), Told("Your data will be deleted", says, "Pay or export", INVOICES)


def _locked(account_id: UUID) -> BillingAccount:
    found: BillingAccount = BillingAccount.objects.select_for_update(of=("self",)).select_related("tenant").get(pk=account_id)
    return found
