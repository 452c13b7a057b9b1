"""What the stand-in shows, held against the SDK's resource classes."""

from typing import Any

import pytest

from billing.sandbox.params import Params
from billing.sandbox.shapes import complaints, shown, tree

PRICE: dict[str, Any] = {
    "id": "price_1",
    "object": "price",
    "active": True,
    "billing_scheme": "tiered",
    "created": 1,
    "currency": "usd",
    "livemode": False,
    "metadata": {"object": "customer"},
    "product": "prod_1",
    "recurring": {"interval": "month", "interval_count": 1, "usage_type": "metered", "meter": "mtr_1"},
    "tiers": [{"up_to": None, "unit_amount": 0}],
    "type": "recurring",
}


def test_what_is_absent_is_null_and_what_is_on_request_is_left_out() -> None:
    price = shown(PRICE)

    assert price["lookup_key"] is None
    assert price["recurring"]["trial_period_days"] is None
    assert price["metadata"] == {"object": "customer"}
    assert "tiers" not in price
    assert complaints(price) == []


def test_what_is_on_request_is_shown_when_asked_for() -> None:
    price = shown(PRICE, tree(["tiers"]))

    tier = {"flat_amount": None, "flat_amount_decimal": None, "unit_amount": 0, "unit_amount_decimal": None, "up_to": None}
    assert price["tiers"] == [tier]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"colour": "red"}, "colour is not a field of Price"),
        ({"active": "yes"}, "active is 'yes', which Price does not allow"),
        ({"created": 1.5}, "created is 1.5, which Price does not allow"),
        ({"type": "sometimes"}, "type is 'sometimes', which Price does not allow"),
        ({"currency": None}, "currency is None, which Price does not allow"),
        ({"recurring": PRICE["recurring"] | {"every": 2}}, "recurring.every is not a field of Price.Recurring"),
        ({"product": {"object": "produkt"}}, "the SDK has no object 'produkt'"),
    ],
)
def test_what_the_class_does_not_know_is_complained_of(change: dict[str, Any], complaint: str) -> None:
    assert any(complaint in text for text in complaints(shown(PRICE | change)))


@pytest.mark.parametrize("name", ["active", "product", "type"])
def test_what_the_class_requires_is_missed(name: str) -> None:
    rest = {key: value for key, value in PRICE.items() if key != name}

    assert complaints(shown(rest)) == [f"Price.{name} is missing"]


def test_parameters_know_what_was_read() -> None:
    for read in (lambda p: p["a"], lambda p: p.get("a"), lambda p: "a" in p, lambda p: {**p}, lambda p: p | {}, lambda p: {} | p):
        params = Params({"a": 1})
        assert params.read == set()
        read(params)
        assert params.read == {"a"}
