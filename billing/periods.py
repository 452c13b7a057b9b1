"""Periods of usage: months counted from an anchor, in UTC, half open. PostgreSQL has the same rule, as `period_from`.

Each bound is counted from the anchor and not from the bound before it: the 31st goes to 28 February, and then to 31 March.
"""

import calendar
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection

from billing.clock import now
from saas.core.errors import NotFound

MILLISECOND: Final = timedelta(milliseconds=1)
MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Period:
    """From `start`, up to but without `end`."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


def period_from(anchor: datetime, moment: datetime) -> Period:
    """The month that holds the moment, counted from the anchor forwards or backwards."""
    base, here = anchor.astimezone(UTC), moment.astimezone(UTC)
    steps = (here.year - base.year) * MONTHS + here.month - base.month
    if _months_after(base, steps) > here:
        steps -= 1
    return Period(_months_after(base, steps), _months_after(base, steps + 1))


def period_of(account_id: UUID, moment: datetime | None = None) -> Period:
    """The period in which a tenant's usage of the moment (now by default) counts: its subscription's, or a month from its anchor.

    Raises NotFound for a tenant that is not there.
    """
    found = periods_of([account_id], moment)
    if account_id not in found:
        raise NotFound(f"There is no tenant {account_id}.")
    return found[account_id]


def periods_of(account_ids: Collection[UUID], moment: datetime | None = None) -> dict[UUID, Period]:
    """The same of many tenants, in one statement. Tenants that are not there are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT asked.id, found.period_start, found.period_end"
            " FROM unnest(%s::uuid[]) AS asked (id), LATERAL public.usage_period(asked.id, %s) AS found",
            [list(account_ids), moment or now()],
        )
        return {account_id: Period(start, end) for account_id, start, end in cursor.fetchall()}


def _months_after(moment: datetime, steps: int) -> datetime:
    """The same day and time so many months later, or the last day of a month that is too short."""
    years, month = divmod(moment.month - 1 + steps, MONTHS)
    year, month = moment.year + years, month + 1
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))
