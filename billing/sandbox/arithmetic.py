"""Stripe's arithmetic of money, pure: whole minor units come out, fractions of them live in Decimal until a line is rounded.

A line is rounded half up, away from zero, so that a credit is the exact opposite of the charge that it takes back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class Tier:
    """Units up to and with `up_to` cost `unit` each, and `flat` once; `up_to` None is the last tier."""

    up_to: int | None
    unit: Decimal
    flat: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Share:
    """What a quantity costs in one tier: `number` counts from 1."""

    number: int
    quantity: int
    tier: Tier

    @property
    def amount(self) -> Decimal:
        """Minor units, not rounded."""
        return self.quantity * self.tier.unit + self.tier.flat


def rounded(amount: Decimal) -> int:
    """Whole minor units, half up."""
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def graduated(tiers: Sequence[Tier], quantity: int) -> list[Share]:
    """Each unit at the price of its tier. Of nothing, one empty share of the first tier, without its flat part."""
    shares, floor = [], 0
    for number, tier in enumerate(tiers, 1):
        ceiling = quantity if tier.up_to is None else min(quantity, tier.up_to)
        if ceiling > floor:
            shares.append(Share(number, ceiling - floor, tier))
        floor = max(floor, ceiling)
    return shares or [Share(1, 0, Tier(tiers[0].up_to, tiers[0].unit))]


def volume(tiers: Sequence[Tier], quantity: int) -> list[Share]:
    """All units at the price of the tier in which the last one lies."""
    for number, tier in enumerate(tiers, 1):
        if tier.up_to is None or quantity <= tier.up_to:
            return [Share(number, quantity, tier)]
    raise ValueError(f"{quantity} units are beyond the last tier, which ends at {tiers[-1].up_to}.")


def decimal_of(price: dict[str, Any], name: str) -> Decimal:
    """`unit_amount` or `flat_amount` of a price or a tier, from its decimal form if it has one."""
    value = price.get(f"{name}_decimal")
    return Decimal(str(value)) if value is not None else Decimal(price.get(name) or 0)


def tiers_of(price: dict[str, Any]) -> list[Tier]:
    """The tiers of a Stripe price."""
    return [Tier(row.get("up_to"), decimal_of(row, "unit_amount"), decimal_of(row, "flat_amount")) for row in price["tiers"]]


def transformed(price: dict[str, Any], quantity: int) -> int:
    """The packages that a quantity makes, where a price is by the package."""
    package = price.get("transform_quantity")
    if not package:
        return quantity
    whole, rest = divmod(quantity, package["divide_by"])
    return int(whole) + (1 if rest and package["round"] == "up" else 0)


def shares_of(price: dict[str, Any], quantity: int) -> list[Share]:
    """What a quantity costs at a Stripe price: one share for each tier that it touches, or one at the plain price."""
    if price.get("billing_scheme") == "tiered":
        split = volume if price.get("tiers_mode") == "volume" else graduated
        return split(tiers_of(price), quantity)
    return [Share(1, transformed(price, quantity), Tier(None, decimal_of(price, "unit_amount")))]


def cost(price: dict[str, Any], quantity: int) -> Decimal:
    """What a quantity costs at a Stripe price, in minor units, not rounded."""
    return sum((share.amount for share in shares_of(price, quantity)), Decimal(0))


def prorated(amount: Decimal, start: int, end: int, at: int) -> int:
    """The part of an amount for [start, end) that falls after `at`, by the second."""
    if not start <= at <= end or start == end:
        raise ValueError(f"{at} is not between {start} and {end}.")
    return rounded(amount * (end - at) / (end - start))


def percent_of(amounts: Sequence[int], percent: Decimal) -> list[int]:
    """What a discount in per cent takes off each amount."""
    return [rounded(Decimal(amount) * percent / HUNDRED) for amount in amounts]


def spread(amounts: Sequence[int], off: int) -> list[int]:
    """What a discount of `off` takes off each amount: by their shares in the whole, together never more than the whole.

    What rounding down leaves over goes to the largest rests, first to the first.
    """
    whole = sum(amounts)
    off = max(0, min(off, whole))
    if whole <= 0:
        return [0] * len(amounts)
    exact = [Decimal(off) * amount / whole for amount in amounts]
    parts = [int(part // 1) for part in exact]
    order = sorted(range(len(parts)), key=lambda index: parts[index] - exact[index])
    for index in order[: off - sum(parts)]:
        parts[index] += 1
    return parts
