"""Monthly recurring revenue: what a tenant pays for its plan in a month, without usage. Minor units.

Plan prices times seats, a yearly price by twelve, discounts taken off. Trials, comps and paused subscriptions are none of it; who
is late with a payment still is, until the subscription ends.
"""

from decimal import Decimal
from typing import Any, Final

from billing.models import Subscription

PAYING: Final = ("active", "past_due", "unpaid")
MONTHS: Final = 12


def monthly(subscription: Subscription) -> int:
    """What it brings in a month, rounded down to the minor unit; 0 for one that is not paid for."""
    return monthly_of(
        status=subscription.status,
        source=subscription.source,
        terms=subscription.plan.terms,
        interval=subscription.interval,
        seats=subscription.seats,
        percent_off=subscription.percent_off,
        amount_off=subscription.amount_off,
    )


def monthly_of(
    *,
    status: str,
    source: str,
    terms: dict[str, Any],
    interval: str,
    seats: int,
    percent_off: Decimal = Decimal(0),
    amount_off: int = 0,
) -> int:
    """The same from its parts."""
    if status not in PAYING or source == Subscription.Source.COMP:
        return 0
    price = Decimal(terms["seat_year"] if interval == "year" else terms["seat"]) * seats
    price = max(Decimal(0), price * (100 - percent_off) / 100 - amount_off)
    return int(price / MONTHS if interval == "year" else price)
