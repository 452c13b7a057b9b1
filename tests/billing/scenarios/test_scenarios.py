"""The same stories at the stand-in and, where STRIPE_TEST_KEY is set, at Stripe itself: what is modelled is what is so."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
import stripe

from tests.billing.scenarios.worlds import StandInWorld, StripeWorld, World
from tests.support.stripe import Sandbox

HOUR: Final = 3600
SKIPPED: Final = "NOT COMPARED WITH STRIPE: set STRIPE_TEST_KEY to a key of a test account to do so"


@pytest.fixture(params=["stand-in", "stripe"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Each story happens in both."""
    if request.param == "stand-in":
        sandbox: Sandbox = request.getfixturevalue("sandbox")
        yield StandInWorld(sandbox)
        return
    if not (key := os.environ.get("STRIPE_TEST_KEY")):
        pytest.skip(SKIPPED)
    stripe_world = StripeWorld(key)
    yield stripe_world
    stripe_world.leave()


@dataclass
class Shop:
    """A seat for 15.00 a month, messages of which 1,000 are free and more cost 0.4 cent, and a customer."""

    world: World
    meter: str
    seat: str
    messages: str
    customer: str

    def card(self, name: str) -> None:
        method = self.world.client.v1.payment_methods.attach(name, {"customer": self.customer}).id
        self.world.client.v1.customers.update(self.customer, {"invoice_settings": {"default_payment_method": method}})

    def subscribe(self, seats: int = 5) -> stripe.Subscription:
        return self.world.client.v1.subscriptions.create(
            {"customer": self.customer, "items": [{"price": self.seat, "quantity": seats}, {"price": self.messages}]}
        )

    def send(self, value: int, identifier: str) -> None:
        payload = {"stripe_customer_id": self.customer, "value": str(value)}
        name = f"messages_{self.world.mark}"
        self.world.client.v1.billing.meter_events.create(
            {
                "event_name": name,
                "payload": payload,
                "identifier": f"{identifier}:{self.world.mark}",
                "timestamp": self.world.now(),
            }
        )

    def renewal(self) -> stripe.Invoice:
        """The last invoice, after it was made."""
        return self.world.client.v1.invoices.list({"customer": self.customer}).data[0]


@pytest.fixture
def shop(world: World) -> Shop:
    v1, mark = world.client.v1, world.mark
    meter = v1.billing.meters.create(
        {"display_name": f"Messages {mark}", "event_name": f"messages_{mark}", "default_aggregation": {"formula": "sum"}}
    ).id
    product = v1.products.create({"name": f"Team {mark}"}).id
    seat = v1.prices.create({"product": product, "currency": "usd", "unit_amount": 1500, "recurring": {"interval": "month"}}).id
    metered: Any = {
        "product": product,
        "currency": "usd",
        "billing_scheme": "tiered",
        "tiers_mode": "graduated",
        "tiers": [{"up_to": 1000, "unit_amount": 0}, {"up_to": "inf", "unit_amount_decimal": "0.4"}],
        "recurring": {"interval": "month", "usage_type": "metered", "meter": meter},
    }
    return Shop(world, meter, seat, v1.prices.create(metered).id, world.customer())


def ends_at(subscription: stripe.Subscription) -> int:
    return int(subscription["items"].data[0].current_period_end)


def test_seats_in_advance_and_messages_in_arrears_come_to_76_20(shop: Shop, world: World) -> None:
    shop.card("pm_card_visa")
    subscription = shop.subscribe()
    shop.send(1000, "a")
    shop.send(300, "b")
    world.wait_for_usage(shop.meter, shop.customer, 1300)

    preview = world.client.v1.invoices.create_preview({"subscription": subscription.id})
    assert preview.total == 7620

    world.advance_to(ends_at(subscription) + 2 * HOUR)
    invoice = shop.renewal()
    assert (invoice.status, invoice.total, invoice.billing_reason) == ("paid", 7620, "subscription_cycle")
    assert sum(line.amount for line in invoice.lines.data) == 7620


def test_an_identifier_is_refused_a_second_time(shop: Shop) -> None:
    shop.send(1, "a")

    with pytest.raises(stripe.InvalidRequestError, match="An event already exists with identifier a:"):
        shop.send(1, "a")


def test_more_seats_cost_what_the_preview_says(shop: Shop, world: World) -> None:
    shop.card("pm_card_visa")
    subscription = shop.subscribe()
    world.advance_to(ends_at(subscription) - 15 * 24 * HOUR)
    at, item = world.now(), subscription["items"].data[0].id
    change: Any = {"items": [{"id": item, "quantity": 8}], "proration_date": at, "proration_behavior": "always_invoice"}

    preview = world.client.v1.invoices.create_preview({"subscription": subscription.id, "subscription_details": change})
    world.client.v1.subscriptions.update(subscription.id, change)

    assert shop.renewal().total == preview.total
    assert 0 < preview.total < 3 * 1500


def test_a_card_that_fails_at_renewal_leaves_it_past_due(shop: Shop, world: World) -> None:
    shop.card("pm_card_visa")
    subscription = shop.subscribe()
    shop.card("pm_card_chargeCustomerFail")

    world.advance_to(ends_at(subscription) + 2 * HOUR)

    assert world.client.v1.subscriptions.retrieve(subscription.id).status == "past_due"
    assert (shop.renewal().status, shop.renewal().attempt_count) == ("open", 1)


def test_what_is_cancelled_at_its_end_ends_then(shop: Shop, world: World) -> None:
    shop.card("pm_card_visa")
    subscription = shop.subscribe()
    world.client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert world.client.v1.subscriptions.retrieve(subscription.id).status == "active"

    world.advance_to(ends_at(subscription) + HOUR)

    assert world.client.v1.subscriptions.retrieve(subscription.id).status == "canceled"
