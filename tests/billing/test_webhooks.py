"""Webhooks: what is not Stripe's leaves no trace, what is Stripe's is stored once; order and number of them mean nothing."""

import json
import random
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from billing.gateway.errors import Away
from billing.models import BillingAccount, Invoice, SeatEntry, StripeEvent, Subscription
from billing.services.stripe.inbox import sweep, take_up_again
from billing.services.stripe.working import handle, refresh
from tests.billing.payer import Payer, hear, post
from tests.support.cast import MakeTenant
from tests.support.stripe import WEBHOOK_SECRET, Message, Sandbox


@pytest.fixture
def payer(sandbox: Sandbox, make_tenant: MakeTenant) -> Payer:
    return Payer(sandbox, make_tenant())


@pytest.fixture
def told(payer: Payer) -> list[Message]:
    """What the stand-in wants to tell of a new subscription."""
    payer.subscribe()
    return payer.sandbox.take()


def first(messages: list[Message], type_: str) -> Message:
    return next(message for message in messages if message.type == type_)


def test_a_signed_event_is_stored_and_worked_off(payer: Payer, told: list[Message]) -> None:
    message = first(told, "customer.subscription.created")
    assert post(message) == 200
    handle(message.event)
    event = StripeEvent.objects.get(id=message.event)
    assert (event.status, event.attempts, event.kind) == ("done", 1, "snapshot")
    assert Subscription.objects.get(account_id=payer.tenant.id).seats == 5


def test_forged_webhooks_store_nothing(payer: Payer, told: list[Message]) -> None:
    """Acceptance 11: a changed body, a wrong secret, no header, 301 seconds of age."""
    message = first(told, "customer.subscription.created")
    body = json.loads(message.body)
    body["data"]["object"]["status"] = "canceled"
    stale = payer.sandbox.sign(message.event, at=payer.sandbox.now() - 301)
    forged = payer.sandbox.sign(message.event, secret="whsec_of_somebody_else")
    assert post(message, body=json.dumps(body)) == 400
    assert post(forged) == 400
    assert post(message, signature=None) == 400
    assert post(stale) == 400
    assert not StripeEvent.objects.filter(id=message.event).exists()
    assert post(payer.sandbox.sign(message.event, at=payer.sandbox.now() - 290)) == 200


def test_an_event_of_the_other_door_is_refused(payer: Payer, told: list[Message]) -> None:
    message = first(told, "customer.subscription.created")
    assert post(message, kind="thin") == 400
    assert not StripeEvent.objects.filter(id=message.event).exists()


def test_an_event_of_the_other_mode_is_refused(told: list[Message], settings: Settings) -> None:
    settings.STRIPE_LIVE = True
    message = first(told, "customer.subscription.created")
    assert post(message) == 400
    assert not StripeEvent.objects.filter(id=message.event).exists()


def test_two_secrets_count_while_one_takes_the_others_place(told: list[Message], settings: Settings) -> None:
    message = first(told, "customer.subscription.created")
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_the_new_one"]
    assert post(message) == 400
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_the_new_one", WEBHOOK_SECRET]
    assert post(message) == 200


def test_the_door_takes_posts_alone_and_needs_no_form_token(told: list[Message]) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.get("/stripe/webhook/", headers={"host": "localhost:8000"}).status_code == 405
    assert post(first(told, "customer.subscription.created"), strict) == 200


def state(payer: Payer) -> dict[str, Any]:
    """What the mirror says of a tenant, without the moments of looking."""
    (subscription,) = Subscription.objects.filter(account_id=payer.tenant.id).values()
    invoices = Invoice.objects.filter(account_id=payer.tenant.id).order_by("stripe_id").values()
    seats = SeatEntry.objects.filter(account_id=payer.tenant.id).order_by("at", "id").values_list("seats", "seats_next")
    skipped = {"id", "account_id", "fetched_at", "subscription_id", "stripe_id"}
    return {
        "subscription": {name: value for name, value in subscription.items() if name not in skipped},
        "invoices": [{name: value for name, value in row.items() if name not in skipped} for row in invoices],
        "seats": list(seats),
    }


def test_order_and_repeats_mean_nothing(payer: Payer) -> None:
    """Acceptance 12: one event three times, and what was updated before it was created, end as what came in order."""
    sub = payer.subscribe()
    seat = next(item for item in sub["items"].data if item.quantity)
    payer.stripe.v1.subscriptions.update(sub.id, {"items": [{"id": seat.id, "quantity": 7}]})
    messages = payer.sandbox.take()
    hear(messages)
    in_order = state(payer)
    for model in (Invoice, Subscription):
        model.objects.filter(account_id=payer.tenant.id).delete()
    assert in_order["subscription"]["seats"] == 7
    StripeEvent.objects.filter(id__in=[message.event for message in messages]).delete()
    jumbled = [*messages, *messages, *messages]
    random.Random(7).shuffle(jumbled)
    hear(jumbled)
    after = state(payer)
    assert after["subscription"] == in_order["subscription"]
    assert after["invoices"] == in_order["invoices"]
    assert after["seats"][-1][0] == 7
    assert StripeEvent.objects.filter(id__in=[message.event for message in messages]).count() == len(messages)


def test_an_event_of_no_meaning_is_kept_and_ignored(payer: Payer) -> None:
    payer.stripe.v1.coupons.create({"percent_off": 10, "duration": "once", "name": "Spring"})
    (message,) = [message for message in payer.sandbox.take() if message.type == "coupon.created"]
    hear([message])
    assert StripeEvent.objects.get(id=message.event).status == "ignored"


def test_an_object_of_nobody_here_stays_visible(payer: Payer) -> None:
    payer.subscribe()
    message = first(payer.sandbox.take(), "customer.subscription.created")
    BillingAccount.objects.filter(pk=payer.tenant.id).update(stripe_customer_id=None)
    hear([message])
    event = StripeEvent.objects.get(id=message.event)
    assert event.status == "unknown"
    assert payer.customer in event.error


def test_an_event_that_never_came_is_fetched(payer: Payer, told: list[Message]) -> None:
    assert sweep() == len([message for message in told if message.kind == "snapshot"])
    assert sweep() == 0
    for message in told:
        handle(message.event)
    assert Subscription.objects.filter(account_id=payer.tenant.id).exists()


def test_what_was_missed_shows_when_all_are_fetched(payer: Payer, told: list[Message]) -> None:
    hear(told)
    sub = Subscription.objects.get(account_id=payer.tenant.id)
    payer.stripe.v1.subscriptions.cancel(str(sub.stripe_id))
    payer.sandbox.take()  # lost
    assert refresh() >= 1
    assert Subscription.objects.get(id=sub.id).status == "canceled"


def test_an_event_that_fails_is_kept_with_its_complaint_and_tried_again(payer: Payer, told: list[Message]) -> None:
    message = first(told, "customer.subscription.created")
    post(message)
    payer.sandbox.fail("error", on="GET /v1/subscriptions/*", times=None)
    with pytest.raises(Away):
        handle(message.event)
    assert StripeEvent.objects.get(id=message.event).status == "failed"
    payer.sandbox.mend()
    handle(message.event)
    assert StripeEvent.objects.get(id=message.event).status == "done"


def test_an_event_whose_job_was_lost_is_taken_up_again(told: list[Message]) -> None:
    message = first(told, "customer.subscription.created")
    post(message)
    StripeEvent.objects.filter(id=message.event).update(received_at="2020-01-01T00:00:00Z")
    assert take_up_again() >= 1


def test_a_thin_event_is_stored_and_worked_off(payer: Payer) -> None:
    """Usage of a customer who is gone: Stripe takes it, and says later that it cannot use it."""
    asked: Any = {"event_name": "porchlight_message", "payload": {"stripe_customer_id": "cus_gone", "value": "3"}}
    payer.stripe.v1.billing.meter_events.create(asked | {"identifier": "nobodys:1"})
    (message,) = [message for message in payer.sandbox.take() if message.kind == "thin"]
    assert post(message, kind="snapshot") == 400
    hear([message])
    event = StripeEvent.objects.get(id=message.event)
    assert (event.status, event.kind, event.type) == ("done", "thin", "v1.billing.meter.error_report_triggered")
