"""The sender: every batch counts once at Stripe, whatever fails, and whoever dies."""

import os
import random
import signal
import subprocess
import sys
from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings as configured
from django.db import connection
from pytest_django import Settings

from billing.clock import now
from billing.gateway import gateway
from billing.gateway.shapes import UsageReport
from billing.models import MeterPosition, MeterReport
from billing.reporting.answers import wait
from billing.reporting.freeze import freeze
from billing.reporting.leases import Leases
from billing.reporting.send import Drained
from saas.up.database import ROOT
from tests.billing.reporting.scene import HOUR, Stripe, batches, say, subscribe, this_hour
from tests.billing.reporting.sending import send
from tests.support.cast import MakeTenant
from tests.support.order import until
from tests.support.patience import PATIENCE

EVENTS = "POST /v1/billing/meter_events"


@pytest.fixture
def payer(make_tenant: MakeTenant, stripe: Stripe) -> tuple[UUID, str]:
    """A tenant and its customer, with a subscription since yesterday and 5 messages in each of three hours, frozen."""
    tenant_id, current = make_tenant().id, this_hour()
    customer = stripe.customer(tenant_id)
    subscribe(tenant_id, current - 24 * HOUR)
    for hour in range(1, 4):
        say(tenant_id, current - hour * HOUR, 5)
    freeze(current)
    MeterReport.objects.filter(account_id=tenant_id).update(next_attempt_at=now())
    return tenant_id, customer


def statuses(account_id: UUID) -> list[str]:
    return [batch.status for batch in batches(account_id)]


def test_batches_count_at_their_hours(payer: tuple[UUID, str], stripe: Stripe) -> None:
    tenant_id, customer = payer
    assert send().sent == 3
    assert statuses(tenant_id) == ["sent"] * 3
    hours = [event["timestamp"] for event in stripe.events(customer)]
    assert hours == [int(batch.event_time.timestamp()) for batch in batches(tenant_id)]
    assert {event["value"] for event in stripe.events(customer)} == {"5"}


def test_sending_again_sends_nothing(payer: tuple[UUID, str], stripe: Stripe) -> None:
    send()
    requests = stripe.sandbox.report()["requests"]
    assert send() == Drained(0, 0)
    assert stripe.sandbox.report()["requests"] == requests


def test_a_duplicate_identifier_marks_the_batch_sent_with_one_attempt(payer: tuple[UUID, str], stripe: Stripe) -> None:
    """Acceptance check 4: somebody told Stripe under another key."""
    tenant_id, customer = payer
    for batch in batches(tenant_id):
        stripe.client.v1.billing.meter_events.create(
            {
                "event_name": "porchlight_message",
                "payload": {"stripe_customer_id": customer, "value": str(batch.quantity)},
                "identifier": batch.identifier,
                "timestamp": int(batch.event_time.timestamp()),
            }
        )
    before = stripe.sandbox.report()["requests"]
    assert send().sent == 3
    assert statuses(tenant_id) == ["sent"] * 3
    assert stripe.sandbox.report()["requests"] - before == 3
    assert stripe.total(customer) == 15


@pytest.mark.parametrize("fault", ["error", "error_after", "cut", "cut_after"])
def test_a_lost_answer_counts_once(fault: str, payer: tuple[UUID, str], stripe: Stripe) -> None:
    tenant_id, customer = payer
    stripe.sandbox.fail(fault, EVENTS, times=2)
    send()
    assert statuses(tenant_id) == ["sent"] * 3
    assert (stripe.total(customer), stripe.repeats()) == (15, 0)


def test_stripes_429_is_waited_for(payer: tuple[UUID, str], stripe: Stripe) -> None:
    tenant_id, customer = payer
    stripe.sandbox.fail("error", EVENTS, times=2, status=429, code="rate_limit", should_retry=False)
    send()
    assert statuses(tenant_id) == ["sent"] * 3
    assert stripe.total(customer) == 15


def test_a_refusal_rejects_one_batch_and_stops_no_other(payer: tuple[UUID, str], stripe: Stripe) -> None:
    tenant_id, customer = payer
    stripe.sandbox.fail("error", EVENTS, status=400, code="parameter_invalid")
    send()
    assert sorted(statuses(tenant_id)) == ["rejected", "sent", "sent"]
    assert stripe.total(customer) == 10


def test_a_wrong_key_stops_the_sender_and_loses_nothing(payer: tuple[UUID, str], stripe: Stripe, settings: Settings) -> None:
    tenant_id, _ = payer
    right = settings.STRIPE_SECRET_KEY
    settings.STRIPE_SECRET_KEY = "sk_test_of_somebody_else"
    drained = send()
    assert drained.is_trouble
    assert drained.stopped.startswith("Stripe denies us")
    assert statuses(tenant_id) == ["pending"] * 3
    assert {batch.first_sent_at for batch in batches(tenant_id)} == {None}
    settings.STRIPE_SECRET_KEY = right
    MeterReport.objects.filter(account_id=tenant_id).update(next_attempt_at=now())
    assert send().sent == 3


def test_a_batch_waits_longer_after_each_failure(payer: tuple[UUID, str], stripe: Stripe) -> None:
    tenant_id, _ = payer
    MeterReport.objects.filter(id__in=[batch.id for batch in batches(tenant_id)[1:]]).update(status="waived")
    stripe.sandbox.fail("error", EVENTS, times=None)
    assert send().failed == 1
    assert batches(tenant_id)[0].next_attempt_at > now()
    assert send() == Drained(0, 0)
    for attempts, least, most in ((1, 2.5, 5), (4, 20, 40), (30, 300, 600)):
        assert timedelta(seconds=least) <= wait(attempts) <= timedelta(seconds=most)


def test_a_meter_that_somebody_holds_is_left_alone(payer: tuple[UUID, str]) -> None:
    tenant_id, _ = payer
    assert [len(chain.batches) for chain in Leases(tenant_id).claim(10)] == [3]
    assert Leases(tenant_id).claim(10) == []
    assert send() == Drained(0, 0)


def test_what_a_dead_sender_held_goes_again_under_the_same_key(payer: tuple[UUID, str], stripe: Stripe) -> None:
    """It died between the call and the note of it: the lease runs out, and Stripe gives the same answer again."""
    tenant_id, customer = payer
    leases = Leases(tenant_id)
    leases.claim(10)
    stripe_saw = [batch.identifier for batch in batches(tenant_id)][:2]
    for batch in batches(tenant_id)[:2]:
        _tell(batch, customer)
    MeterPosition.objects.filter(account_id=tenant_id).update(leased_until=now() - timedelta(seconds=1))
    assert send().sent == 3
    assert (stripe.total(customer), stripe.repeats()) == (15, 0)
    assert {event["identifier"] for event in stripe.events(customer)} > set(stripe_saw)


def _tell(batch: MeterReport, customer: str) -> None:
    gateway().send_usage(UsageReport("porchlight_message", customer, batch.quantity, batch.identifier, batch.event_time))


@pytest.mark.timeout(600)
def test_two_senders_killed_at_random_count_every_message_once(make_tenant: MakeTenant, stripe: Stripe) -> None:
    """Acceptance check 3: random kills, 500s and cut answers; the sums are right for every tenant, and nothing came twice."""
    dice, said, current = random.Random(3), dict[str, int](), this_hour()  # the same run each time
    for _ in range(12):
        tenant_id = make_tenant().id
        customer = stripe.customer(tenant_id)
        subscribe(tenant_id, current - 48 * HOUR)
        said[customer] = 0
        for hour in range(1, 25):
            count = dice.randint(1, 9)
            say(tenant_id, current - hour * HOUR, count)
            said[customer] += count
    freeze(current)
    for fault in ("error", "error_after", "cut", "cut_after"):
        stripe.sandbox.fail(fault, EVENTS, times=None, chance=0.05)
    stripe.sandbox.fail("delay", EVENTS, times=None, seconds=0.1)
    assert _kill_senders(dice, kills=6) >= 3
    stripe.sandbox.mend()
    for _ in range(3):
        _let_go()
        send()
    assert {customer: stripe.total(customer) for customer in said} == said
    assert stripe.repeats() == 0
    assert [line for line in stripe.sandbox.report()["refused"] if "already exists" in str(line)] == []
    assert not MeterReport.objects.exclude(status__in=("sent", "waived", "held")).exists()


def _kill_senders(dice: random.Random, *, kills: int) -> int:
    """Two at a time, each killed in the midst of its work; the next comes at once, as if the lease had run out.

    Returns how many of them left something behind.
    """
    senders, hits = [_sender(), _sender()], 0
    for kill in range(kills):
        sender = senders[kill % 2]
        _wait_until_one_is_sending(senders)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(%s)", [dice.uniform(0, 0.4)])
        sender.send_signal(signal.SIGKILL)
        sender.wait()
        hits += MeterReport.objects.filter(status="sending").exists()
        senders[kill % 2] = _sender()
        _let_go()
    for sender in senders:
        sender.wait(5 * PATIENCE)
    return hits


def _wait_until_one_is_sending(senders: list[subprocess.Popen[bytes]]) -> None:
    """Until a sender has claimed something, or all is sent, or both found nothing that is due."""
    open_ones = MeterReport.objects.filter(status__in=("pending", "sending"))
    until(
        lambda: (
            not open_ones.exists()
            or open_ones.filter(status="sending").exists()
            or all(sender.poll() is not None for sender in senders)
        ),
        "no sender sends",
        seconds=2 * PATIENCE,
    )


def _let_go() -> None:
    """Let the leases of the dead run out; those of the living are kept by nobody's clock here, which only costs replays."""
    MeterPosition.objects.filter(lease__isnull=False).update(leased_until=now() - timedelta(seconds=1))
    MeterReport.objects.filter(status="pending").update(next_attempt_at=now())


def _sender() -> subprocess.Popen[bytes]:
    words = [sys.executable, str(ROOT / "manage.py"), "report_usage", "--only-send", "--seconds", "20"]
    environment = os.environ | {
        "STRIPE_SECRET_KEY": configured.STRIPE_SECRET_KEY,
        "STRIPE_API_BASE": configured.STRIPE_API_BASE,
        "STRIPE_CLOCK_FILE": configured.STRIPE_CLOCK_FILE,
        "STRIPE_PAY_ORIGIN": configured.STRIPE_API_BASE,
    }
    return subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
