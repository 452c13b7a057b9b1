"""The next invoice: what stands on it at this moment, and what it comes to if the period goes on as it went.

Both are told apart, with the moment of the reading. What stands on it is Stripe's own preview; where Stripe does not answer, or
there is none of its subscriptions, our arithmetic, which comes to the same. What lies ahead is ours: the use of the last 14 days.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from billing.clock import now
from billing.gateway import gateway
from billing.gateway.errors import NoSuch, StripeError
from billing.gateway.shapes import Line as PreviewLine
from billing.models import BillingAccount, Meter, Subscription
from billing.money import rounded
from billing.periods import Period
from billing.plans import Plan
from billing.selectors.bill import Bill, bill_of
from billing.selectors.gauges import gauges
from billing.selectors.tenancy import account_of
from billing.selectors.usage import used

LOOKED_BACK: Final = timedelta(days=14)
SHORTEST: Final = timedelta(days=1)  # of the past that a rate is taken from: an hour says nothing of a month
HUNDRED: Final = Decimal(100)
PAUSED: Final = "paused"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the next invoice. `amount` in minor units."""

    words: str
    amount: int
    meter: Meter | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """The next invoice. Amounts in minor units of `currency`; `projected` is the whole invoice, not what is added."""

    lines: list[Line]
    so_far: int
    tax: int
    projected: int
    currency: str
    at: datetime  # when it is made
    read_at: datetime
    is_stripes: bool  # else it is our arithmetic


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands on the next invoice, by whoever counted it."""

    lines: list[Line]
    total: int
    tax: int
    is_stripes: bool


def projected_use(account: BillingAccount, period: Period, so_far: Mapping[Meter, int]) -> dict[Meter, int]:
    """What a period comes to if it goes on as the last 14 days went, of every meter; as it is, if it is over."""
    moment = now()
    since = max(moment - LOOKED_BACK, min(account.created_at, moment - SHORTEST))
    lately, ahead = used(account.pk, Period(since, moment)), max(timedelta(0), period.end - moment)
    return {meter: so_far[meter] + round(lately[meter] * (ahead / (moment - since))) for meter in so_far}


def next_invoice(bill: Bill, ahead: Mapping[Meter, int]) -> Forecast | None:
    """What stands on the next invoice and what it comes to; `ahead` is the use by the period's end, of every meter.

    None where none is made: on the free plan, of a plan that was given, and while it is paused.
    """
    subscription = bill.subscription
    if subscription is None or not bill.is_stripes or subscription.status == PAUSED:
        return None
    reading = stripes_reading(bill, subscription) or our_reading(bill, subscription)
    return Forecast(
        lines=reading.lines,
        so_far=reading.total,
        tax=reading.tax,
        projected=reading.total + _more(bill, subscription, reading, ahead),
        currency=bill.plan.currency,
        at=subscription.period_end,
        read_at=now(),
        is_stripes=reading.is_stripes,
    )


def forecast(account_id: UUID) -> Forecast | None:
    """The same of a tenant, read from the beginning."""
    bill = bill_of(account_of(account_id))
    return next_invoice(bill, projected_use(bill.account, bill.period, bill.used))


def stripes_reading(bill: Bill, subscription: Subscription) -> Reading | None:
    """Stripe's preview; None if it does not answer. Lines of an allowance, which cost nothing, are left out."""
    customer = bill.account.stripe_customer_id
    if not customer or not subscription.stripe_id:
        return None
    try:
        preview = gateway().preview(customer=customer, subscription=subscription.stripe_id)
    except NoSuch:
        return Reading([], 0, 0, is_stripes=True)  # none will be made
    except StripeError:
        return None
    meters = {item.price.stripe_price_id: item.price.meter for item in subscription.items.select_related("price")}
    lines = [_stripes_line(line, meters.get(line.price_id, "")) for line in preview.lines if line.amount]
    if preview.discount:
        lines.append(Line(_discount(subscription), -preview.discount))
    return Reading(lines, preview.total, preview.tax, is_stripes=True)


def our_reading(bill: Bill, subscription: Subscription) -> Reading:
    """The next invoice by our own arithmetic: what lies beyond the allowances, and the seats if they renew with it."""
    lines = [
        Line(f"{gauge.beyond:,} {gauge.units} beyond {gauge.allowance.included:,}", gauge.cost, gauge.meter)
        for gauge in bill.gauges
        if gauge.cost
    ]
    if subscription.seat_period_end <= subscription.period_end and subscription.cancel_at is None:
        lines.insert(0, _seats_line(bill.plan, subscription.interval, bill.seats.next))
    full = sum(line.amount for line in lines)
    off = min(full, rounded(full * subscription.percent_off / HUNDRED) + subscription.amount_off)
    if off:
        lines.append(Line(_discount(subscription), -off))
    return Reading(lines, full - off, 0, is_stripes=False)


def _more(bill: Bill, subscription: Subscription, reading: Reading, ahead: Mapping[Meter, int]) -> int:
    """What the rest of the period adds to what is on the invoice: less the discount, and with the tax that is on it already.

    Taken from what stands there, not from what was counted: the last hour is not at Stripe yet.
    """
    there = sum(line.amount for line in reading.lines if line.meter)
    full = sum(gauge.cost for gauge in gauges(bill.plan, ahead, is_trial=bill.is_trial))
    more = max(0, full - there) * (HUNDRED - subscription.percent_off) / HUNDRED
    untaxed = reading.total - reading.tax
    rate = Decimal(reading.tax) / untaxed if untaxed > 0 else Decimal(0)
    return rounded(more * (1 + rate))


def _stripes_line(line: PreviewLine, meter: str) -> Line:
    return Line(line.description, line.amount, Meter(meter) if meter else None)


def _seats_line(plan: Plan, interval: str, seats: int) -> Line:
    each = plan.seat_year if interval == "year" else plan.seat
    return Line(f"{seats} {'seat' if seats == 1 else 'seats'} of {plan.name}", seats * each)


def _discount(subscription: Subscription) -> str:
    return f"Discount: {subscription.coupon}" if subscription.coupon else "Discount"
