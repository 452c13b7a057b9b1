"""Which tenants the clock must look at. Each is one statement, whatever their number."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, models
from django.db.models import Exists, OuterRef, Q

from billing.access import Reason, State
from billing.clock import now
from billing.models import BillingAccount, Invoice, Meter, Subscription, UsageAlert
from billing.periods import Period, periods_of
from billing.plans import FREE
from billing.selectors.facts import days
from billing.selectors.limits import Limits, limits_from
from billing.selectors.thresholds import crossed
from billing.selectors.usage import used_many
from billing.terms import terms
from saas.core.ids import uuid7_floor

USED: Final = """
SELECT a.tenant_id FROM public.billing_billingaccount a CROSS JOIN unnest(%s::text[]) AS asked_meter
WHERE EXISTS (
    SELECT FROM public.billing_usageevent e WHERE e.tenant_id = a.tenant_id AND e.meter = asked_meter AND e.source_id >= %s
) GROUP BY a.tenant_id
"""
OF_LIMITS: Final = (Reason.SPEND_CAP, Reason.PLAN_LIMIT, Reason.SEATS)
RESTRICTED_BY: Final = (*OF_LIMITS, Reason.PAUSED, Reason.TRIAL_ENDED)  # no limit moves whoever stands here any further


def who_used_since(moment: datetime) -> list[UUID]:
    """Tenants that were counted anything since then."""
    with connection.cursor() as cursor:
        cursor.execute(USED, [list(Meter), uuid7_floor(moment)])
        return [tenant_id for (tenant_id,) in cursor.fetchall()]


def near_limits(account_ids: Collection[UUID]) -> list[UUID]:
    """Those of these tenants that have crossed a threshold they were not told of, or a limit that has not moved them yet."""
    accounts = BillingAccount.objects.in_bulk(list(account_ids))
    lives = {live.account_id: live for live in _live_of_many(accounts)}
    periods = periods_of(accounts)
    counted, told = used_many(periods), _told(periods)
    near = []
    for account_id, period in periods.items():
        account, live = accounts[account_id], lives.get(account_id)
        plan = terms(live.plan) if live else FREE
        limits = limits_from(account, live, plan, period, counted[account_id])
        is_news = any(told.get((account_id, one.meter), 0) < one.threshold for one in crossed(limits, counted[account_id]))
        if is_news or (_stops(limits) and account.access_reason not in RESTRICTED_BY):
            near.append(account_id)
    return near


def due_accounts() -> list[UUID]:
    """Tenants that may stand in another state by now: they owe, were held, wait for a new period or for seats enough, or nobody
    noticed yet.
    """
    moment = now()
    owed = Invoice.objects.filter(account=OuterRef("pk"), status="open", attempt_count__gt=0, amount_remaining__gt=0)
    is_owing = Q(failing_since__isnull=False, failing_since__lte=moment - timedelta(days=days().grace))
    is_new = Q(failing_since=None) & Exists(owed)
    was_held = Q(exempt_until__lte=moment, exempt_until__gt=moment - timedelta(days=1))
    found = BillingAccount.objects.filter(is_owing | is_new | was_held | Q(access_reason__in=OF_LIMITS))
    return _ids(found.exclude(access_state=State.CLOSED))


def owing_accounts() -> list[UUID]:
    """Tenants with a failed payment."""
    return _ids(BillingAccount.objects.filter(failing_since__isnull=False).exclude(access_state=State.CLOSED))


def to_be_closed() -> list[UUID]:
    """Tenants that have not paid for so long that their data may be deleted; whether they were told is looked at later."""
    since = now() - timedelta(days=days().closed)
    return _ids(BillingAccount.objects.filter(access_state=State.SUSPENDED, failing_since__lte=since, suspended_by_staff=False))


def _live_of_many(account_ids: Collection[UUID]) -> Iterable[Subscription]:
    found = Subscription.objects.filter(account_id__in=account_ids).exclude(status__in=Subscription.ENDED)
    return found.select_related("plan")


def _told(periods: Mapping[UUID, Period]) -> dict[tuple[UUID, str], int]:
    """The highest threshold that each was told of in its period."""
    rows = UsageAlert.objects.filter(account_id__in=periods, period_start__in={period.start for period in periods.values()})
    told: dict[tuple[UUID, str], int] = {}
    for account_id, meter, start, threshold in rows.values_list("account_id", "meter", "period_start", "threshold"):
        if start == periods[account_id].start:
            told[account_id, meter] = max(threshold, told.get((account_id, meter), 0))
    return told


def _stops(limits: Limits) -> bool:
    return bool(limits.over) or limits.is_spent


def _ids(found: models.QuerySet[BillingAccount]) -> list[UUID]:
    return list(found.order_by("pk").values_list("pk", flat=True))
