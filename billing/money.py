"""Amounts of money. Whole minor units are `int`; what a fraction of one counts in is `Decimal`."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from billing.plans import Allowance

SIGNS: Final = {"usd": "$", "eur": "€"}
MINOR: Final = 100  # of each currency that we sell in


def overage(allowance: Allowance, used: int) -> Decimal:
    """What is paid for use beyond the allowance, in minor units, not rounded. Nothing where the allowance stops instead."""
    return Decimal(0) if allowance.hard else max(0, used - allowance.included) * allowance.over


def rounded(amount: Decimal) -> int:
    """Whole minor units as Stripe rounds a line of an invoice: half up, away from zero."""
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def text(amount: int, currency: str) -> str:
    """An amount for people: 7620 of usd is "$76.20". Raises ValueError for a currency that we do not sell in."""
    return _signed(Decimal(amount) / MINOR, currency, digits=2)


def price(unit: Decimal, currency: str) -> str:
    """The price of one unit for people, with as many digits as it has, at least two: 0.4 of usd is "$0.004"."""
    major = (unit / MINOR).normalize()
    return _signed(major, currency, digits=max(2, -int(major.as_tuple().exponent)))


def _signed(major: Decimal, currency: str, *, digits: int) -> str:
    if currency not in SIGNS:
        raise ValueError(f"{currency!r} is not one of our currencies: {', '.join(SIGNS)}.")
    return f"{'-' if major < 0 else ''}{SIGNS[currency]}{abs(major):,.{digits}f}"
