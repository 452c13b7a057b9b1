"""What was used, read from the usage events themselves: no sum that is kept somewhere can be wrong.

An event counts at the time of its source's id, to the millisecond. All reads go by the index, within the partitions they touch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from billing.clock import now
from billing.models import BillingAccount, Meter
from billing.periods import MILLISECOND, Period
from saas.core.ids import uuid7_floor

DAY: Final = timedelta(days=1)
USED: Final = """
SELECT asked.id, asked_meter, summed.quantity
FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS asked (id, low, high) CROSS JOIN unnest(%s::text[]) AS asked_meter
CROSS JOIN LATERAL (
    SELECT sum(e.quantity)::bigint AS quantity FROM public.billing_usageevent e
    WHERE e.tenant_id = asked.id AND e.meter = asked_meter AND e.source_id >= asked.low AND e.source_id < asked.high
) AS summed
WHERE summed.quantity IS NOT NULL
"""
DAILY: Final = """
SELECT (uuid_extract_timestamp(e.source_id) AT TIME ZONE %s)::date, sum(e.quantity)::bigint FROM public.billing_usageevent e
WHERE e.tenant_id = %s AND e.meter = %s AND e.source_id >= %s AND e.source_id < %s GROUP BY 1
"""
ROWS: Final = """
SELECT e.source_id, e.quantity, e.occurred_at, e.recorded_at FROM public.billing_usageevent e
WHERE e.tenant_id = %s AND e.meter = %s AND e.source_id >= %s AND e.source_id < %s AND (%s::uuid IS NULL OR e.source_id > %s)
ORDER BY e.source_id LIMIT %s
"""
SINCE: Final = """
SELECT a.tenant_id, summed.quantity FROM public.billing_billingaccount a
CROSS JOIN LATERAL (
    SELECT sum(e.quantity)::bigint AS quantity FROM public.billing_usageevent e
    WHERE e.tenant_id = a.tenant_id AND e.meter = %s AND e.source_id >= %s
) AS summed
WHERE summed.quantity IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Day:
    """What was used on a day of the tenant's own time zone."""

    day: date
    quantity: int


@dataclass(frozen=True, slots=True)
class UsageRow:
    """A usage event: a message, a visitor's first session of a period, or a day's sample of storage."""

    source_id: UUID
    quantity: int
    occurred_at: datetime
    recorded_at: datetime


def used(account_id: UUID, period: Period) -> dict[Meter, int]:
    """What a tenant used in a period so far, of every meter."""
    return used_many({account_id: period})[account_id]


def used_many(periods: Mapping[UUID, Period]) -> dict[UUID, dict[Meter, int]]:
    """The same of many tenants, each in a period of its own, in one statement."""
    found = {account_id: dict.fromkeys(Meter, 0) for account_id in periods}
    bounds = [
        [uuid7_floor(period.start) for period in periods.values()],
        [uuid7_floor(period.end) for period in periods.values()],
    ]
    for account_id, meter, quantity in _fetched(USED, [list(periods), *bounds, list(Meter)]):
        found[account_id][Meter(meter)] = quantity
    return found


def daily(account_id: UUID, meter: Meter, period: Period) -> list[Day]:
    """The days of a period that have begun, each with what was used on it, in the tenant's time zone.

    Only what counts in the period: the first and the last day may be parts of days. A day is as long as its clocks make it.
    """
    zone = ZoneInfo(BillingAccount.objects.values_list("time_zone", flat=True).get(pk=account_id))
    sums = dict(_fetched(DAILY, [str(zone), account_id, meter, uuid7_floor(period.start), uuid7_floor(period.end)]))
    first, latest = period.start.astimezone(zone).date(), min(now(), period.end - MILLISECOND).astimezone(zone).date()
    return [Day(day, sums.get(day, 0)) for day in (first + DAY * place for place in range((latest - first).days + 1))]


def rows(
    account_id: UUID, meter: Meter, *, start: datetime, end: datetime, after: UUID | None = None, limit: int
) -> list[UsageRow]:
    """The events of a tenant's meter in [start, end), oldest first: at most `limit`, and only those behind `after` if given."""
    asked = [account_id, meter, uuid7_floor(start), uuid7_floor(end), after, after, limit]
    return [UsageRow(*row) for row in _fetched(ROWS, asked)]


def platform_since(moment: datetime) -> dict[UUID, int]:
    """How many messages each tenant was counted since the moment; tenants without any are left out."""
    return dict(_fetched(SINCE, [Meter.MESSAGE, uuid7_floor(moment)]))


def _fetched(statement: str, asked: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
