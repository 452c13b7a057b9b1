"""Batches whose fate nobody knows: Stripe's own sum of the hour decides, and nobody sends them again blindly."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from billing.clock import now
from billing.gateway import gateway
from billing.gateway.shapes import UsageReport
from billing.models import BillingAudit, MeterPosition, MeterReport
from billing.reporting.freeze import freeze, late_rows
from billing.reporting.leases import Leases
from billing.reporting.send import Drained
from billing.reporting.verify import counted_of, set_aside, verify
from billing.services.audit import Actor
from billing.services.batches import send_missing
from saas.core.errors import BadFrame, NotFound
from tests.billing.reporting.scene import HOUR, Stripe, batches, say, subscribe, this_hour
from tests.billing.reporting.sending import send
from tests.support.cast import MakeTenant

STAFF = Actor("sam@staff.example", is_staff=True)


@pytest.fixture
def payer(make_tenant: MakeTenant, stripe: Stripe) -> tuple[UUID, str]:
    """A tenant, its customer, and two batches of 5 and 7 that a sender took before it died."""
    tenant_id = make_tenant().id
    customer = stripe.customer(tenant_id)
    subscribe(tenant_id, this_hour() - 24 * HOUR)
    say(tenant_id, this_hour() - 2 * HOUR, 5)
    say(tenant_id, this_hour() - HOUR, 7)
    freeze(this_hour())
    Leases(tenant_id).claim(1)
    MeterPosition.objects.filter(account_id=tenant_id).update(leased_until=now() - HOUR)
    return tenant_id, customer


def deliver(batch: MeterReport, customer: str) -> None:
    """As the sender does."""
    gateway().send_usage(UsageReport("porchlight_message", customer, batch.quantity, batch.identifier, batch.event_time))


def statuses(tenant_id: UUID) -> list[str]:
    return [batch.status for batch in batches(tenant_id)]


def test_a_batch_left_sending_for_25_hours_is_verified_and_not_sent_again(payer: tuple[UUID, str], stripe: Stripe) -> None:
    """Acceptance check 5: what Stripe has ends as sent, what it has not goes again, each counts once."""
    tenant_id, customer = payer
    deliver(batches(tenant_id)[0], customer)
    stripe.sandbox.advance(25 * 3600)
    requests = stripe.sandbox.report()["requests"]
    assert send(account_id=tenant_id) == Drained(0, 0)
    assert stripe.sandbox.report()["requests"] == requests
    set_aside()
    assert statuses(tenant_id) == ["verify", "verify"]
    assert send(account_id=tenant_id) == Drained(0, 0)
    assert verify() == 2
    assert statuses(tenant_id) == ["sent", "pending"]
    assert send(account_id=tenant_id).sent == 1
    assert statuses(tenant_id) == ["sent", "sent"]
    assert (stripe.total(customer), stripe.repeats()) == (12, 0)


def test_without_that_the_same_identifier_would_count_twice(payer: tuple[UUID, str], stripe: Stripe) -> None:
    """The hazard is real: Stripe forgets after a day."""
    tenant_id, customer = payer
    batch = batches(tenant_id)[0]
    deliver(batch, customer)
    stripe.sandbox.advance(25 * 3600)
    deliver(batch, customer)
    assert (stripe.total(customer), stripe.repeats()) == (10, 1)


def test_a_batch_of_19_hours_goes_again_under_its_key(payer: tuple[UUID, str], stripe: Stripe) -> None:
    tenant_id, customer = payer
    deliver(batches(tenant_id)[0], customer)
    stripe.sandbox.advance(19 * 3600)
    assert send(account_id=tenant_id).sent == 2
    assert (stripe.total(customer), stripe.repeats()) == (12, 0)


def test_several_batches_of_an_hour_are_told_apart_by_its_sum(make_tenant: MakeTenant, stripe: Stripe) -> None:
    tenant_id, hour = make_tenant().id, this_hour() - HOUR
    customer = stripe.customer(tenant_id)
    subscribe(tenant_id, this_hour() - 24 * HOUR)
    for seq, count in enumerate((1, 2, 4)):
        say(tenant_id, hour + timedelta(seconds=seq), count)
        freeze(hour + HOUR)
        late_rows(hour)
    deliver(batches(tenant_id)[1], customer)
    MeterReport.objects.filter(account_id=tenant_id).update(status="sending", first_sent_at=now() - 21 * HOUR)
    assert verify() == 3
    assert statuses(tenant_id) == ["pending", "sent", "pending"]


def test_a_sum_that_explains_nothing_is_left_to_staff(payer: tuple[UUID, str], stripe: Stripe) -> None:
    tenant_id, customer = payer
    batch = batches(tenant_id)[0]
    gateway().send_usage(UsageReport("porchlight_message", customer, 3, "somebody:else", batch.event_time))
    stripe.sandbox.advance(25 * 3600)
    assert verify() == 1
    (stuck, _) = batches(tenant_id)
    assert (stuck.status, stuck.error) == (
        "verify",
        "Stripe has 3 in this hour, and 0 of it are known: no one choice of those in doubt explains it.",
    )
    with pytest.raises(BadFrame, match="Say why"):
        send_missing(stuck.identifier, actor=STAFF, reason=" ")
    assert statuses(tenant_id)[0] == "verify"
    send_missing(stuck.identifier, actor=STAFF, reason="The 3 are a test of ours.")
    assert statuses(tenant_id)[0] == "pending"
    audit = BillingAudit.objects.get(action="batch.send_missing", tenant_id=tenant_id)
    assert (audit.reason, audit.actor) == ("The 3 are a test of ours.", STAFF.email)


def test_staff_decide_only_what_is_in_doubt(payer: tuple[UUID, str]) -> None:
    tenant_id, _ = payer
    with pytest.raises(NotFound, match="in the state verify"):
        send_missing(batches(tenant_id)[0].identifier, actor=STAFF, reason="No reason.")


@pytest.mark.parametrize(
    ("missing", "quantities", "is_forgotten", "counted"),
    [
        (0, [5], False, []),
        (5, [5], False, [0]),
        (3, [5], False, None),
        (6, [1, 2, 4], False, [1, 2]),
        (3, [1, 2, 3], False, None),
        (3, [1, 2, 3], True, None),
        (5, [5, 5], False, None),
        (5, [5, 5], True, [0]),
        (10, [5, 5], False, [0, 1]),
        (13, [1] * 13, False, list(range(13))),
        (6, [1] * 13, True, None),
    ],
)
def test_which_of_an_hour_are_counted(missing: int, quantities: list[int], is_forgotten: bool, counted: list[int] | None) -> None:
    batch_ids = [uuid4() for _ in quantities]
    found = counted_of(missing, dict(zip(batch_ids, quantities, strict=True)), is_forgotten=is_forgotten)
    assert found == (None if counted is None else {batch_ids[place] for place in counted})
