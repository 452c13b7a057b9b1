"""The front of a tenant's billing: the plan, who has a seat, what was used, and the next invoice."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from billing.charts import cumulative, sums
from billing.models import Meter
from billing.periods import MILLISECOND, Period
from billing.selectors.bill import Bill, bill_of
from billing.selectors.forecast import next_invoice, projected_use
from billing.selectors.gauges import Gauge
from billing.selectors.usage import daily
from billing.views.gate import READ, Desk, page
from billing.views.pages import show
from tenants.access import Do


@page(*READ, do=Do.SEE_USAGE)
def overview(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Everybody sees plan, seats and usage; who may manage billing, the money too."""
    bill = bill_of(desk.account)
    ahead = projected_use(desk.account, bill.period, bill.used)
    forecast = next_invoice(bill, ahead) if desk.may_manage else None
    meters = [_meter(desk, bill, gauge, ahead[gauge.meter]) for gauge in bill.gauges]
    return show(request, desk, "overview", bill=bill, meters=meters, forecast=forecast)


def _meter(desk: Desk, bill: Bill, gauge: Gauge, ahead: int) -> dict[str, Any]:
    """A meter with its chart, and the same as rows."""
    return {"gauge": gauge, "ahead": ahead, **drawn(desk, bill.period, gauge, ahead)}


def drawn(desk: Desk, period: Period, gauge: Gauge, ahead: int | None) -> dict[str, Any]:
    """The chart of a meter in a period, and its days. `ahead`: what it comes to; None if the period is over."""
    days = daily(desk.id, Meter(gauge.meter), period)
    last = (period.end - MILLISECOND).astimezone(desk.zone).date()
    chart = cumulative(days, last=last, included=gauge.allowance.included, projected=ahead)
    return {"chart": chart, "days": sums(days)}
