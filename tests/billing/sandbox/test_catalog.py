"""Products, prices, coupons and codes at the stand-in: what makes sense, and what Stripe would refuse."""

from typing import Any

import pytest
import stripe

from tests.support.stripe import Sandbox

TIERS = [{"up_to": 1000, "unit_amount": 0}, {"up_to": "inf", "unit_amount_decimal": "0.4"}]


@pytest.fixture
def client(sandbox: Sandbox) -> stripe.StripeClient:
    return sandbox.client()


@pytest.fixture
def product(client: stripe.StripeClient) -> str:
    return client.v1.products.create({"name": "Messages", "id": "messages"}).id


@pytest.fixture
def meter(client: stripe.StripeClient) -> str:
    return client.v1.billing.meters.create(
        {"display_name": "Messages", "event_name": "messages", "default_aggregation": {"formula": "sum"}}
    ).id


def metered(product: str, meter: str, **more: Any) -> Any:
    recurring = {"interval": "month", "usage_type": "metered", "meter": meter}
    tiered = {"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": TIERS}
    return {"product": product, "currency": "usd", "recurring": recurring, **tiered, **more}


def test_a_metered_price_has_tiers_that_are_shown_when_asked_for(client: stripe.StripeClient, product: str, meter: str) -> None:
    price = client.v1.prices.create(metered(product, meter, expand=["tiers"]))

    assert price.tiers is not None
    assert [(tier.up_to, tier.unit_amount, str(tier.unit_amount_decimal)) for tier in price.tiers] == [
        (1000, 0, "0"),
        (None, None, "0.4"),
    ]
    assert "tiers" not in client.v1.prices.retrieve(price.id)
    assert price.recurring is not None
    assert (price.recurring.meter, price.type, price.unit_amount) == (meter, "recurring", None)


def test_an_amount_is_whole_where_it_is_whole(client: stripe.StripeClient, product: str) -> None:
    whole = client.v1.prices.create({"product": product, "currency": "usd", "unit_amount": 1500})
    part = client.v1.prices.create({"product": product, "currency": "usd", "unit_amount_decimal": "0.40"})  # type: ignore[typeddict-item]

    assert (whole.unit_amount, str(whole.unit_amount_decimal)) == (1500, "1500")
    assert (part.unit_amount, str(part.unit_amount_decimal)) == (None, "0.4")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recurring": {"interval": "month", "usage_type": "metered"}}, "must be backed by a meter"),
        ({"recurring": {"interval": "month", "usage_type": "metered", "meter": "mtr_1"}}, "No such active meter: 'mtr_1'"),
        ({"tiers": TIERS[:1]}, "The last tier, and only it, must have `up_to` inf"),
        ({"tiers": [TIERS[0], *TIERS]}, "must grow"),
        ({"tiers": [{"up_to": "inf"}]}, "A tier needs a unit_amount or a flat_amount"),
        ({"unit_amount": 5}, "cannot be set when `billing_scheme` is tiered"),
        ({"product": "prod_of_nobody"}, "No such product: 'prod_of_nobody'"),
    ],
)
def test_a_price_that_makes_no_sense_is_refused(
    client: stripe.StripeClient, product: str, meter: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=message):
        client.v1.prices.create(metered(product, meter) | changes)


def test_a_licensed_price_has_no_meter(client: stripe.StripeClient, product: str, meter: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="A licensed price has no meter"):
        client.v1.prices.create(
            {"product": product, "currency": "usd", "unit_amount": 1, "recurring": {"interval": "month", "meter": meter}}
        )


def test_a_price_has_one_amount(client: stripe.StripeClient, product: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="exactly one of these parameters: unit_amount"):
        client.v1.prices.create({"product": product, "currency": "usd"})


def test_a_lookup_key_belongs_to_one_price_and_can_be_handed_on(client: stripe.StripeClient, product: str) -> None:
    made: Any = {"product": product, "currency": "usd", "unit_amount": 1500, "lookup_key": "team_seats_month"}
    first = client.v1.prices.create(made)
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        client.v1.prices.create(made)

    second = client.v1.prices.create(made | {"unit_amount": 1800, "transfer_lookup_key": True})
    assert [price.id for price in client.v1.prices.list({"lookup_keys": ["team_seats_month"]}).data] == [second.id]
    assert client.v1.prices.retrieve(first.id).lookup_key is None


def test_prices_are_found_by_what_they_are(client: stripe.StripeClient, product: str, meter: str) -> None:
    used = client.v1.prices.create(metered(product, meter)).id
    once = client.v1.prices.create({"product": product, "currency": "usd", "unit_amount": 1}).id
    client.v1.prices.update(once, {"active": False})

    assert [price.id for price in client.v1.prices.list({"active": True}).data] == [used]
    assert [price.id for price in client.v1.prices.list({"recurring": {"meter": meter}}).data] == [used]
    assert [price.id for price in client.v1.prices.list({"type": "one_time"}).data] == [once]
    assert client.v1.prices.list({"product": "other"}).data == []


def test_a_product_with_prices_stays(client: stripe.StripeClient, product: str) -> None:
    other = client.v1.products.create({"name": "Seats"}).id
    client.v1.prices.create({"product": product, "currency": "usd", "unit_amount": 1})
    with pytest.raises(stripe.InvalidRequestError, match="cannot be deleted"):
        client.v1.products.delete(product)

    assert client.v1.products.delete(other).deleted is True
    with pytest.raises(stripe.InvalidRequestError, match="No such product"):
        client.v1.products.retrieve(other)


# --- coupons


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"percent_off": 20, "amount_off": 500}, "exactly one of"),
        ({}, "exactly one of"),
        ({"percent_off": 120}, "at most 100"),
        ({"amount_off": 500}, "must pass currency"),
        ({"percent_off": 20, "duration": "repeating"}, "duration_in_months"),
        ({"percent_off": 20, "redeem_by": 1_000_000_000}, "must be in the future"),
    ],
)
def test_a_coupon_that_makes_no_sense_is_refused(client: stripe.StripeClient, wrong: Any, message: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=message):
        client.v1.coupons.create(wrong)


def test_a_coupon_is_valid_until_its_day(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    coupon = client.v1.coupons.create({"id": "SPRING", "percent_off": 25, "redeem_by": sandbox.now() + 3600})
    assert (coupon.valid, coupon.percent_off, coupon.duration) == (True, 25, "once")

    sandbox.advance(3600)
    assert client.v1.coupons.retrieve("SPRING").valid is False
    assert client.v1.coupons.delete("SPRING").deleted is True
    with pytest.raises(stripe.InvalidRequestError, match="No such coupon: 'SPRING'"):
        client.v1.coupons.retrieve("SPRING")


def test_a_promotion_code_is_found_however_it_is_written(client: stripe.StripeClient) -> None:
    coupon = client.v1.coupons.create({"percent_off": 25})
    code = client.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "Spring26"})

    assert [one.id for one in client.v1.promotion_codes.list({"code": "SPRING26"}).data] == [code.id]
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        client.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "spring26"})
    client.v1.promotion_codes.update(code.id, {"active": False})
    assert client.v1.promotion_codes.list({"code": "spring26", "active": True}).data == []
