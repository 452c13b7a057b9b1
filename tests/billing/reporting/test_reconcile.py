"""The comparison of each night: what differs is a row, until both sides say the same again."""

from datetime import timedelta
from uuid import UUID

import pytest

from billing.clock import now
from billing.gateway import gateway
from billing.gateway.shapes import UsageReport
from billing.models import Difference, Invoice, MeterReport, PlanPrice, ReconciliationRun, Subscription, SubscriptionItem
from billing.reporting.closing import close
from billing.reporting.freeze import freeze
from billing.reporting.reconcile import reconcile
from tests.billing.reporting.scene import Stripe, batches, say
from tests.billing.reporting.sending import in_loop, send
from tests.support.cast import MakeTenant

TOMORROW = timedelta(days=1)


@pytest.fixture
def payer(make_tenant: MakeTenant, stripe: Stripe) -> tuple[UUID, str]:
    """A tenant with a subscription at Stripe and in our mirror, and 1,300 messages of the last hour, told to Stripe."""
    stripe.sync()
    tenant_id = make_tenant().id
    customer = stripe.customer(tenant_id)
    stripe.subscribe(tenant_id, customer)
    stripe.sandbox.advance(3600)
    say(tenant_id, Subscription.objects.get(account_id=tenant_id).created_at, 1_300)
    freeze(now())
    send(account_id=tenant_id)
    return tenant_id, customer


def run(tenant_id: UUID) -> ReconciliationRun:
    """Up to today."""
    return reconcile((now() + TOMORROW).date(), tenant_id)


def differences(tenant_id: UUID) -> list[tuple[str, int, int, str]]:
    rows = Difference.objects.filter(account_id=tenant_id).order_by("kind", "state")
    return [(row.kind, row.ours, row.stripe, row.state) for row in rows]


def test_both_sides_say_the_same(payer: tuple[UUID, str]) -> None:
    found = run(payer[0])
    assert differences(payer[0]) == []
    assert (found.tenants, found.differences, found.error) == (1, 0, "")
    assert found.compared > 5


def test_what_stripe_has_more_is_a_difference_until_it_has_not(payer: tuple[UUID, str], stripe: Stripe) -> None:
    """Of the day, and of the next invoice: 3 messages at 0.4 cents are 1 cent."""
    tenant_id, customer = payer
    moment = batches(tenant_id)[0].event_time
    gateway().send_usage(UsageReport("porchlight_message", customer, 3, "somebody:else", moment))
    run(tenant_id)
    run(tenant_id)
    assert differences(tenant_id) == [("preview", 120, 121, "open"), ("usage", 1_300, 1_303, "open")]
    stripe.take_back("somebody:else")
    run(tenant_id)
    assert {state for *_, state in differences(tenant_id)} == {"gone"}


def test_what_stripe_has_not_is_a_difference(payer: tuple[UUID, str], stripe: Stripe) -> None:
    tenant_id, _ = payer
    batch = batches(tenant_id)[0]
    stripe.take_back(batch.identifier)
    run(tenant_id)
    assert differences(tenant_id) == [("preview", 120, 0, "open"), ("usage", 1_300, 0, "open")]


def test_a_difference_that_staff_settled_does_not_come_again(payer: tuple[UUID, str]) -> None:
    tenant_id, customer = payer
    moment = batches(tenant_id)[0].event_time
    gateway().send_usage(UsageReport("porchlight_message", customer, 3, "somebody:else", moment))
    run(tenant_id)
    Difference.objects.filter(account_id=tenant_id).update(state="accepted")
    run(tenant_id)
    assert {state for *_, state in differences(tenant_id)} == {"accepted"}


def test_an_invoice_that_we_do_not_have_is_a_difference(payer: tuple[UUID, str]) -> None:
    tenant_id, _ = payer
    Invoice.objects.filter(account_id=tenant_id).delete()
    run(tenant_id)
    assert differences(tenant_id) == [("invoice", 0, 7_500, "open"), ("invoice", 0, 7_500, "open")]


def test_a_price_that_is_another_at_stripe_is_a_difference(payer: tuple[UUID, str]) -> None:
    tenant_id, _ = payer
    item = SubscriptionItem.objects.get(subscription__account_id=tenant_id, price__meter="message")
    PlanPrice.objects.filter(id=item.price_id).update(included=900)
    try:
        run(tenant_id)
        assert ("price", 900, 1_000, "open") in differences(tenant_id)
    finally:
        PlanPrice.objects.filter(id=item.price_id).update(included=1_000)


def test_a_run_that_stripe_does_not_answer_says_so(payer: tuple[UUID, str], stripe: Stripe) -> None:
    stripe.sandbox.fail("cut", times=None)
    with pytest.raises(Exception, match="connect"):
        run(payer[0])
    last = ReconciliationRun.objects.order_by("-id")[0]
    assert (last.differences, last.error != "", last.finished_at is not None) == (0, True, True)


def test_a_period_closes_with_all_of_its_usage(payer: tuple[UUID, str], stripe: Stripe) -> None:
    """Also that of the hour that still runs, and what came late."""
    tenant_id, customer = payer
    say(tenant_id, Subscription.objects.get(account_id=tenant_id).created_at, 200)
    in_loop(lambda: close(tenant_id, now()))
    assert [row.status for row in batches(tenant_id)] == ["sent"] * len(batches(tenant_id))
    assert stripe.total(customer) == 1_500
    assert not MeterReport.objects.filter(account_id=tenant_id).exclude(status="sent").exists()
    assert differences(tenant_id) == []


def test_what_closes_a_period_looks_at_usage_alone(payer: tuple[UUID, str]) -> None:
    """Its invoice is on its way to us just then; a difference of the night before stays as it was."""
    tenant_id, _ = payer
    Invoice.objects.filter(account_id=tenant_id).delete()
    in_loop(lambda: close(tenant_id, now()))
    assert differences(tenant_id) == []
    run(tenant_id)
    in_loop(lambda: close(tenant_id, now()))
    assert {state for *_, state in differences(tenant_id)} == {"open"}
