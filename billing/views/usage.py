"""What was used: by meter and day, from a billed number down to each thing that was counted, and as CSV. For every member."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.dateparse import parse_datetime
from django.utils.timezone import localdate

from billing.charts import sums
from billing.clock import now
from billing.models import Meter
from billing.periods import MILLISECOND, Period, period_from, period_of
from billing.selectors.batches import Window, frozen_until, samples_of, window_of_batch, windows_of
from billing.selectors.bill import Bill, bill_of
from billing.selectors.forecast import projected_use
from billing.selectors.gauges import UNITS, Gauge, gauges
from billing.selectors.usage import daily, rows, used
from billing.views.gate import READ, Desk, page
from billing.views.overview import drawn
from billing.views.pages import show
from saas.core.errors import NotFound
from saas.core.sheets import sheet, streamed
from tenants.access import Do

ROWS_SHOWN: Final = 100
ROWS_AT_ONCE: Final = 5_000  # of a download
PERIODS_SHOWN: Final = 6


@page(*READ, do=Do.SEE_USAGE)
def usage(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Every meter in a period: the current one, or that of `?at=`."""
    bill = bill_of(desk.account)
    shown = _shown(desk, bill, request)
    is_current = shown.period == bill.period
    ahead = projected_use(desk.account, bill.period, bill.used) if is_current else {}
    meters = [
        {"gauge": gauge, "ahead": ahead.get(gauge.meter), **drawn(desk, shown.period, gauge, ahead.get(gauge.meter))}
        for gauge in shown.gauges
    ]
    context: dict[str, Any] = {"meters": meters, "shown": shown, "is_current": is_current, "periods": _periods(bill)}
    return show(request, desk, "usage", bill=bill, **context)


@page(*READ, do=Do.SEE_USAGE)
def meter(request: HttpRequest, desk: Desk, meter: str) -> HttpResponse:
    """The batches of a meter in a period: what was told to Stripe, hour by hour, and what is not in one yet."""
    one, bill = _meter(meter), bill_of(desk.account)
    shown = _shown(desk, bill, request)
    gauge = next(gauge for gauge in shown.gauges if gauge.meter == one)
    windows = windows_of(desk.id, one, shown.period)
    batched = sum(batch.quantity for window in windows for batch in window.batches if not batch.is_correction)
    context: dict[str, Any] = {
        "gauge": gauge,
        "shown": shown,
        "days": _by_day(windows),
        "unbatched": max(0, gauge.used - batched),
    }
    return show(request, desk, "meter", bill=bill, **context)


@page(*READ, do=Do.SEE_USAGE)
def batch(request: HttpRequest, desk: Desk, meter: str, batch_id: UUID) -> HttpResponse:
    """What one batch counts: the events of its window, each with its moment."""
    one = _meter(meter)
    found, window = window_of_batch(desk.id, batch_id)
    if found.meter != one:
        raise NotFound("There is no such batch.")
    counted = _rows(desk, one, Period(window.start, window.end), request)
    return show(request, desk, "batch", batch=found, window=window, gauge=_gauge(desk, one), **counted)


@page(*READ, do=Do.SEE_USAGE)
def open_rows(request: HttpRequest, desk: Desk, meter: str) -> HttpResponse:
    """What is counted and in no batch yet: the last hour or two."""
    one, period = _meter(meter), period_of(desk.id)
    since = max(period.start, frozen_until(desk.id, one) or period.start)
    window = Period(since, max(since, now()))
    return show(request, desk, "batch", batch=None, window=window, gauge=_gauge(desk, one), **_rows(desk, one, window, request))


@page(*READ, do=Do.SEE_USAGE)
def days_csv(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Every meter by day in a period, in the tenant's time zone."""
    shown = _shown(desk, bill_of(desk.account), request)
    lines = [
        (one, UNITS[one], counted.day.isoformat(), desk.account.time_zone, counted.quantity, counted.so_far)
        for one in Meter
        for counted in sums(daily(desk.id, one, shown.period))
    ]
    head = ("meter", "unit", "day", "time zone", "used", "used since the period began")
    return sheet(f"{desk.tenant.slug}-usage", head, lines)


@page(*READ, do=Do.SEE_USAGE)
def rows_csv(request: HttpRequest, desk: Desk, meter: str) -> HttpResponseBase:
    """Every event of a meter in a period: what was counted, when, and when it was written down. In UTC."""
    one = _meter(meter)
    shown = _shown(desk, bill_of(desk.account), request)
    head = ("meter", "id", "quantity", "occurred at", "recorded at", "bytes of tables", "bytes of files")
    return streamed(f"{desk.tenant.slug}-{one}", head, _lines(desk.id, one, shown.period))


def _meter(name: str) -> Meter:
    if name not in Meter.values:
        raise NotFound(f"There is no meter {name!r}.")
    return Meter(name)


def _gauge(desk: Desk, one: Meter) -> Gauge:
    return next(gauge for gauge in bill_of(desk.account).gauges if gauge.meter == one)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a tenant used in the period that is looked at, by the plan of now."""

    period: Period
    gauges: list[Gauge]


@dataclass(frozen=True, slots=True)
class BatchDay:
    """A day with its windows, the newest first."""

    day: date
    quantity: int
    windows: list[Window]


def _shown(desk: Desk, bill: Bill, request: HttpRequest) -> Shown:
    """The period that holds the moment of `?at=`; the current one without it, and for a moment that is none, is to come, or
    lies before the tenant came.
    """
    at, first = _moment(request.GET.get("at", "")), period_from(_anchor(bill), bill.account.created_at)
    if at is None or not first.start <= at < bill.period.start:
        return Shown(bill.period, bill.gauges)
    period = period_from(_anchor(bill), at)
    return Shown(period, gauges(bill.plan, used(desk.id, period)))


def _periods(bill: Bill) -> list[Period]:
    """The current period and those before it, back to when the tenant came."""
    found = [bill.period]
    while len(found) < PERIODS_SHOWN and found[-1].start > bill.account.created_at:
        found.append(period_from(_anchor(bill), found[-1].start - MILLISECOND))
    return found


def _by_day(windows: list[Window]) -> list[BatchDay]:
    """The windows by the day on which they begin, in the tenant's time zone."""
    together = [(day, list(found)) for day, found in groupby(windows, key=lambda window: localdate(window.start))]
    return [BatchDay(day, sum(window.quantity for window in found), found) for day, found in together]


def _anchor(bill: Bill) -> datetime:
    return bill.subscription.anchor if bill.subscription else bill.account.anchor


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text.replace(" ", "+"))  # a plus that was not escaped
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def _rows(desk: Desk, one: Meter, window: Period, request: HttpRequest) -> dict[str, Any]:
    """A page of a window's events, those behind `?after=` if it is given, and the id behind which the next begin."""
    after = _uuid(request.GET.get("after", ""))
    found = rows(desk.id, one, start=window.start, end=window.end, after=after, limit=ROWS_SHOWN + 1)
    shown = found[:ROWS_SHOWN]
    samples = samples_of(desk.id, one, (row.source_id for row in shown))
    pairs = [(row, samples.get(row.source_id)) for row in shown]
    return {"rows": pairs, "more": shown[-1].source_id if len(found) > ROWS_SHOWN else None, "is_first": after is None}


def _lines(tenant_id: UUID, one: Meter, period: Period) -> Iterator[tuple[object, ...]]:
    """The events of a period as lines of a sheet. Those of storage say what the sample found."""
    after: UUID | None = None
    while found := rows(tenant_id, one, start=period.start, end=period.end, after=after, limit=ROWS_AT_ONCE):
        samples = samples_of(tenant_id, one, (row.source_id for row in found))
        for row in found:
            sample = samples.get(row.source_id)
            held = (sample.tables_bytes, sample.files_bytes) if sample else (None, None)
            yield (one, row.source_id, row.quantity, row.occurred_at.isoformat(), row.recorded_at.isoformat(), *held)
        after = found[-1].source_id


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
