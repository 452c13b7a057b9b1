"""What the health page says, and how fast it knows."""

from datetime import timedelta
from uuid import UUID

import pytest

from billing.clock import now
from billing.models import BillingAccount, MeterReport, ReportingRun, Subscription
from billing.reporting import runs
from billing.reporting.freeze import freeze
from billing.reporting.health import MeteringHealth, health
from billing.reporting.reject import reject
from billing.services.audit import Actor
from billing.services.batches import send_again
from tests.billing.payer import hear
from tests.billing.reporting.scene import HOUR, MINUTE, Stripe, batches, say, subscribe, this_hour
from tests.billing.reporting.sending import send
from tests.support.cast import MakeTenant


@pytest.fixture
def payer(make_tenant: MakeTenant, stripe: Stripe) -> tuple[UUID, str]:
    """A tenant with a customer, and one batch of 5."""
    tenant_id = make_tenant().id
    customer = stripe.customer(tenant_id)
    subscribe(tenant_id, this_hour() - 24 * HOUR)
    say(tenant_id, this_hour() - HOUR, 5)
    freeze(this_hour())
    return tenant_id, customer


def says(found: MeteringHealth, words: str) -> bool:
    return any(words in reason for reason in found.reasons)


def test_a_meter_error_marks_its_batch_and_shows_within_a_minute(payer: tuple[UUID, str], stripe: Stripe) -> None:
    """Acceptance check 13: the customer is gone at Stripe, which takes the batch and tells later that it could not use it."""
    tenant_id, customer = payer
    began = now()
    BillingAccount.objects.filter(pk=tenant_id).update(stripe_customer_id="cus_gone")
    send(account_id=tenant_id)
    assert [batch.status for batch in batches(tenant_id)] == ["sent"]
    told = [message for message in stripe.sandbox.take() if message.type == "v1.billing.meter.error_report_triggered"]
    assert told
    hear(told)
    (batch,) = batches(tenant_id)
    assert batch.status == "rejected"
    assert "No such customer: 'cus_gone'" in batch.error
    assert says(health(), "Stripe could not use 1 batch.")
    assert now() - began < timedelta(minutes=1)
    BillingAccount.objects.filter(pk=tenant_id).update(stripe_customer_id=customer)
    send_again(batch.identifier, actor=Actor("sam@staff.example", is_staff=True), reason="The customer is back.")
    send(account_id=tenant_id)
    assert stripe.total(customer) == 5
    assert not says(health(), "could not use")


def test_an_unknown_identifier_is_no_batch_of_ours() -> None:
    assert reject("somebody:else", "No such customer") is False


def test_what_staff_waived_is_not_rejected_again(payer: tuple[UUID, str]) -> None:
    (batch,) = batches(payer[0])
    MeterReport.objects.filter(id=batch.id).update(status="waived")
    assert reject(batch.identifier, "No such customer") is True
    assert [row.status for row in batches(payer[0])] == ["waived"]


@pytest.mark.parametrize(
    ("waits", "words"),
    [(timedelta(minutes=20), ""), (timedelta(minutes=40), "waits for 40 min"), (timedelta(hours=3), "waits for 3 h 0 min")],
)
def test_the_oldest_batch_tells_how_long_it_waits(waits: timedelta, words: str, payer: tuple[UUID, str]) -> None:
    MeterReport.objects.filter(account_id=payer[0]).update(created_at=now() - waits)
    found = health()
    assert says(found, "The oldest batch waits") == bool(words)
    assert not words or says(found, words)


def test_batches_of_a_closed_period_that_are_not_sent_are_told(payer: tuple[UUID, str]) -> None:
    tenant_id, _ = payer
    before = health().closed_unsent
    border = now() - timedelta(minutes=31)
    mine = Subscription.objects.filter(account_id=tenant_id)
    MeterReport.objects.filter(account_id=tenant_id).update(event_time=border - HOUR)
    mine.update(anchor=border, period_start=border, period_end=border + timedelta(days=30))
    assert health().closed_unsent == before + 1
    mine.update(anchor=border + 2 * MINUTE, period_start=border + 2 * MINUTE)
    assert health().closed_unsent == before


def test_a_job_that_failed_or_fell_silent_is_told() -> None:
    runs.begin("verify")
    runs.end("verify", error="Stripe does not answer")
    assert says(health(), "The job verify: Stripe does not answer")
    runs.begin("verify")
    runs.end("verify", did=1)
    assert not says(health(), "The job verify")
    ReportingRun.objects.filter(name="verify").update(ended_at=now() - 4 * HOUR)
    assert says(health(), "The job verify did not run for 4 h 0 min")
    ReportingRun.objects.filter(name="verify").delete()
