"""The stand-in's arithmetic against a slow reference that looks at each unit by itself."""

import itertools
import random
from decimal import Decimal
from fractions import Fraction

import pytest

from billing.sandbox.arithmetic import Tier, cost, graduated, percent_of, prorated, rounded, shares_of, spread, volume

ALLOWANCE = [Tier(1_000, Decimal(0)), Tier(None, Decimal("0.4"))]


def slow_graduated(tiers: list[Tier], quantity: int) -> Fraction:
    """One unit after the other."""
    total, flats = Fraction(0), set()
    for unit in range(1, quantity + 1):
        tier = next(tier for tier in tiers if tier.up_to is None or unit <= tier.up_to)
        total += Fraction(tier.unit)
        flats.add(tier)
    return total + sum((Fraction(tier.flat) for tier in flats), Fraction(0))


def some_tiers(dice: random.Random) -> list[Tier]:
    borders = sorted(dice.sample(range(1, 60), k=dice.randint(0, 4)))
    ends: list[int | None] = [*borders, None]
    return [Tier(end, Decimal(dice.randint(0, 900)) / 100, Decimal(dice.randint(0, 3))) for end in ends]


@pytest.mark.parametrize("seed", range(60))
def test_graduated_tiers_cost_what_their_units_cost(seed: int) -> None:
    dice = random.Random(seed)
    tiers, quantity = some_tiers(dice), dice.randint(0, 80)
    assert sum(Fraction(share.amount) for share in graduated(tiers, quantity)) == slow_graduated(tiers, quantity)
    assert sum(share.quantity for share in graduated(tiers, quantity)) == quantity


@pytest.mark.parametrize("seed", range(20))
def test_graduated_never_gets_cheaper_and_is_continuous_without_flat_parts(seed: int) -> None:
    tiers = [Tier(tier.up_to, tier.unit) for tier in some_tiers(random.Random(seed))]
    price = {"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": [_row(tier) for tier in tiers]}
    costs = [cost(price, quantity) for quantity in range(80)]
    steps = [after - before for before, after in itertools.pairwise(costs)]
    assert all(0 <= step <= max(tier.unit for tier in tiers) for step in steps)


def _row(tier: Tier) -> dict[str, object]:
    return {"up_to": tier.up_to, "unit_amount_decimal": str(tier.unit)}


def test_the_allowance_costs_nothing_and_what_is_over_costs_its_price() -> None:
    assert [rounded(sum((share.amount for share in graduated(ALLOWANCE, used)), Decimal(0))) for used in (0, 999, 1_000)] == [
        0,
        0,
        0,
    ]
    shares = graduated(ALLOWANCE, 1_300)
    assert [(share.number, share.quantity, share.amount) for share in shares] == [(1, 1_000, 0), (2, 300, Decimal("120.0"))]


def test_five_seats_and_1300_messages_cost_7620() -> None:
    seats = {"billing_scheme": "per_unit", "unit_amount": 1_500}
    messages = {
        "billing_scheme": "tiered",
        "tiers_mode": "graduated",
        "tiers": [{"up_to": 1_000, "unit_amount": 0}, {"up_to": None, "unit_amount_decimal": "0.4"}],
    }
    assert rounded(cost(seats, 5)) + rounded(cost(messages, 1_300)) == 7_620


def test_volume_tiers_price_all_units_alike() -> None:
    tiers = [Tier(10, Decimal(5)), Tier(None, Decimal(3), Decimal(7))]
    assert [share.amount for share in volume(tiers, 10)] == [50]
    assert [share.amount for share in volume(tiers, 11)] == [40]


def test_volume_beyond_the_last_tier_is_refused() -> None:
    with pytest.raises(ValueError, match="11 units are beyond the last tier, which ends at 10"):
        volume([Tier(10, Decimal(5))], 11)


@pytest.mark.parametrize(("way", "packages"), [("up", 3), ("down", 2)])
def test_a_price_by_the_package_rounds_as_it_says(way: str, packages: int) -> None:
    price = {"unit_amount": 100, "transform_quantity": {"divide_by": 10, "round": way}}
    assert shares_of(price, 25)[0].quantity == packages


@pytest.mark.parametrize(("exact", "whole"), [("0.5", 1), ("-0.5", -1), ("2.4999", 2), ("1.5", 2), ("2.5", 3)])
def test_half_a_unit_is_rounded_away_from_zero(exact: str, whole: int) -> None:
    assert rounded(Decimal(exact)) == whole


@pytest.mark.parametrize("seed", range(60))
def test_a_proration_is_the_share_of_the_seconds_and_its_credit_the_exact_opposite(seed: int) -> None:
    dice = random.Random(seed)
    start, length = dice.randint(0, 2_000_000_000), dice.choice([2_419_200, 2_592_000, 2_678_400, 31_536_000])
    at, amount = start + dice.randint(0, length), dice.randint(0, 1_000_000)
    part = prorated(Decimal(amount), start, start + length, at)
    assert abs(Fraction(part) - Fraction(amount * (start + length - at), length)) <= Fraction(1, 2)
    assert prorated(Decimal(-amount), start, start + length, at) == -part


@pytest.mark.parametrize(("at", "part"), [(0, 1_000), (50, 500), (100, 0)])
def test_a_proration_at_the_borders(at: int, part: int) -> None:
    assert prorated(Decimal(1_000), 0, 100, at) == part


@pytest.mark.parametrize("at", [-1, 101])
def test_a_proration_outside_its_period_is_refused(at: int) -> None:
    with pytest.raises(ValueError, match=f"{at} is not between 0 and 100"):
        prorated(Decimal(1_000), 0, 100, at)


@pytest.mark.parametrize("seed", range(60))
def test_an_amount_off_is_spread_to_the_last_unit(seed: int) -> None:
    dice = random.Random(seed)
    amounts = [dice.randint(0, 5_000) for _ in range(dice.randint(1, 6))]
    off = dice.randint(0, 12_000)
    parts = spread(amounts, off)
    assert sum(parts) == min(off, sum(amounts))
    assert all(0 <= part <= amount for part, amount in zip(parts, amounts, strict=True))


def test_nothing_is_taken_off_a_credit() -> None:
    assert spread([-500], 100) == [0]


def test_per_cent_are_taken_off_each_line() -> None:
    assert percent_of([999, 1, -100], Decimal("12.5")) == [125, 0, -13]
