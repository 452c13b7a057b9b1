"""Amounts: what is beyond an allowance, how a line is rounded, how people read it."""

from decimal import Decimal
from random import Random

import pytest
from django.template import Context, Template

from billing.models import Meter
from billing.money import overage, price, rounded, text
from billing.plans import PLANS, TEAM, Allowance

DICE = Random("money")


def any_allowance() -> Allowance:
    over = Decimal(DICE.randrange(10**6)).scaleb(-DICE.randrange(5))
    return Allowance(DICE.choice([0, 1, DICE.randrange(2_000)]), over, hard=DICE.random() < 0.2)


ALLOWANCES = [any_allowance() for _ in range(200)]


def slowly(allowance: Allowance, used: int) -> Decimal:
    """Unit by unit."""
    if allowance.hard:
        return Decimal(0)
    return sum((allowance.over for unit in range(1, used + 1) if unit > allowance.included), Decimal(0))


def test_overage_is_what_each_unit_beyond_the_allowance_costs() -> None:
    for allowance in ALLOWANCES:
        used = DICE.randrange(3_000)
        assert overage(allowance, used) == slowly(allowance, used)


def test_who_uses_more_never_pays_less() -> None:
    for allowance in ALLOWANCES:
        used, more = DICE.randrange(10**9), DICE.randrange(10**6)
        assert overage(allowance, used + more) >= overage(allowance, used)


def test_there_is_no_step_at_the_allowance() -> None:
    for allowance in ALLOWANCES:
        assert overage(allowance, allowance.included) == 0
        assert overage(allowance, allowance.included + 1) == (0 if allowance.hard else allowance.over)


def test_five_seats_and_1300_messages_are_76_20() -> None:
    messages = overage(TEAM.meters[Meter.MESSAGE], 1_300)
    assert text(5 * TEAM.seat + rounded(messages), TEAM.currency) == "$76.20"


@pytest.mark.parametrize(
    ("amount", "whole"), [("0.49", 0), ("0.5", 1), ("1.5", 2), ("2.5", 3), ("-0.5", -1), ("-2.5", -3), ("119.9999", 120)]
)
def test_a_line_is_rounded_half_up_away_from_zero(amount: str, whole: int) -> None:
    assert rounded(Decimal(amount)) == whole


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (7620, "usd", "$76.20"),
        (-500, "usd", "-$5.00"),
        (0, "eur", "€0.00"),
        (5, "usd", "$0.05"),
        (123_456_789, "eur", "€1,234,567.89"),
    ],
)
def test_an_amount_for_people(amount: int, currency: str, shown: str) -> None:
    assert text(amount, currency) == shown
    page = Template("{% load money %}{{ amount|money:currency }}")
    assert page.render(Context({"amount": amount, "currency": currency})) == shown


@pytest.mark.parametrize(("unit", "shown"), [("0.4", "$0.004"), ("1.0", "$0.01"), ("0.002", "$0.00002"), ("1500", "$15.00")])
def test_a_price_has_as_many_digits_as_it_needs(unit: str, shown: str) -> None:
    assert price(Decimal(unit), "usd") == shown


def test_every_plan_is_in_a_currency_that_can_be_shown() -> None:
    assert all(text(plan.seat, plan.currency) for plan in PLANS)


def test_an_unknown_currency_is_named() -> None:
    with pytest.raises(ValueError, match="'gbp' is not one of our currencies: usd, eur"):
        text(1, "gbp")
