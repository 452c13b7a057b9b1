"""Rows that come after their hour was frozen: a batch of their own, with the difference."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from django.forms.models import model_to_dict

from billing.clock import now
from billing.models import BillingAccount, Meter, MeterReport, Subscription
from billing.reporting.freeze import freeze, freeze_period, late_rows
from billing.reporting.held import move_on
from billing.services.audit import Actor
from billing.services.batches import send_again
from tests.billing.reporting.scene import HOUR, MINUTE, Stripe, at, batches, say, subscribe, this_hour, told
from tests.billing.reporting.sending import send
from tests.support.cast import MakeTenant
from tests.support.order import at_once_behind

NOON = at(2026, 11, 20, 12)


@pytest.fixture
def tenant_id(make_tenant: MakeTenant) -> UUID:
    """A tenant whose month begins at midnight."""
    tenant = make_tenant()
    BillingAccount.objects.filter(pk=tenant.id).update(anchor=at(2026, 11, 1), created_at=at(2026, 11, 1))
    return tenant.id


def test_a_late_row_makes_the_next_batch_of_its_window(make_tenant: MakeTenant, stripe: Stripe) -> None:
    """Acceptance check 6: it holds only the difference, and those before it do not change in a byte."""
    tenant_id, hour = make_tenant().id, this_hour() - HOUR
    customer = stripe.customer(tenant_id)
    subscribe(tenant_id, this_hour() - 24 * HOUR)
    say(tenant_id, hour, 5)
    freeze(hour + HOUR)
    send(account_id=tenant_id)
    (before,) = batches(tenant_id)
    say(tenant_id, hour + 10 * MINUTE, 2)
    late_rows(hour)
    again, late = batches(tenant_id)
    assert model_to_dict(again) == model_to_dict(before)
    assert told([late]) == [(hour, hour + HOUR, 1, 2)]
    assert (late.event_time, late.is_late, late.status) == (before.event_time, False, "pending")
    send(account_id=tenant_id)
    assert [event["value"] for event in stripe.events(customer)] == ["5", "2"]
    assert model_to_dict(batches(tenant_id)[0]) == model_to_dict(before)


def test_what_adds_up_makes_nothing(tenant_id: UUID) -> None:
    say(tenant_id, NOON, 5)
    freeze(NOON + 3 * HOUR)
    late_rows(NOON - HOUR)
    assert told(batches(tenant_id)) == [(NOON, NOON + HOUR, 0, 5)]


def test_a_late_row_of_an_hour_without_any(tenant_id: UUID) -> None:
    freeze(NOON + 3 * HOUR)
    say(tenant_id, NOON, 2)
    late_rows(NOON - HOUR)
    assert told(batches(tenant_id)) == [(NOON, NOON + HOUR, 0, 2)]


def test_a_late_row_goes_to_the_part_of_the_hour_that_it_is_of(tenant_id: UUID) -> None:
    """The hour was frozen in two: at its middle a period was closed by force."""
    middle = NOON + 30 * MINUTE
    say(tenant_id, NOON, 1)
    freeze_period(tenant_id, middle)
    say(tenant_id, middle, 2)
    freeze(NOON + HOUR)
    say(tenant_id, middle + MINUTE, 3)
    late_rows(NOON)
    assert told(batches(tenant_id)) == [(NOON, middle, 0, 1), (middle, NOON + HOUR, 0, 2), (middle, NOON + HOUR, 1, 3)]


def test_a_part_of_an_hour_that_had_nothing(tenant_id: UUID) -> None:
    middle = NOON + 30 * MINUTE
    freeze_period(tenant_id, middle)
    say(tenant_id, middle, 2)
    freeze(NOON + HOUR)
    say(tenant_id, NOON, 3)
    late_rows(NOON)
    assert told(batches(tenant_id)) == [(NOON, middle, 0, 3), (middle, NOON + HOUR, 0, 2)]


def test_a_frozen_hour_keeps_its_borders_when_the_anchor_moves(tenant_id: UUID) -> None:
    """An upgrade begins a new period: what was frozen before is not cut anew."""
    say(tenant_id, NOON, 2)
    freeze(NOON + HOUR)
    BillingAccount.objects.filter(pk=tenant_id).update(anchor=NOON + 30 * MINUTE)
    say(tenant_id, NOON + 45 * MINUTE, 1)
    late_rows(NOON)
    assert told(batches(tenant_id)) == [(NOON, NOON + HOUR, 0, 2), (NOON, NOON + HOUR, 1, 1)]


def test_a_forced_freeze_takes_what_came_late_in_the_last_day(tenant_id: UUID) -> None:
    freeze(NOON)
    say(tenant_id, NOON - 20 * HOUR, 2)
    say(tenant_id, NOON, 1)
    freeze_period(tenant_id, NOON + MINUTE)
    assert [row.quantity for row in batches(tenant_id)] == [2, 1]


def test_corrections_by_staff_are_no_part_of_the_sum(tenant_id: UUID) -> None:
    say(tenant_id, NOON, 5)
    freeze(NOON + HOUR)
    window = {"window_start": NOON, "window_end": NOON, "event_time": NOON, "identifier": f"{tenant_id}:fix"}
    MeterReport.objects.create(
        account_id=tenant_id, meter=Meter.MESSAGE, seq=1, quantity=-5, is_correction=True, status="held", **window
    )
    late_rows(NOON)
    assert [row.quantity for row in batches(tenant_id)] == [5, -5]
    say(tenant_id, NOON + MINUTE)
    late_rows(NOON)
    assert [(row.seq, row.quantity) for row in batches(tenant_id)] == [(0, 5), (1, -5), (2, 1)]


def test_a_rejected_batch_that_goes_again_is_no_difference(tenant_id: UUID) -> None:
    say(tenant_id, NOON, 5)
    freeze(NOON + HOUR)
    (batch,) = batches(tenant_id)
    MeterReport.objects.filter(id=batch.id).update(status="rejected")
    again = send_again(batch.identifier, actor=Actor("sam@staff.example", is_staff=True), reason="The customer is there now.")
    late_rows(NOON)
    assert [(row.identifier, row.quantity, row.status) for row in batches(tenant_id)] == [
        (batch.identifier, 5, "waived"),
        (again, 5, "pending"),
    ]


def test_two_rejected_batches_of_one_hour_go_again_at_once(tenant_id: UUID) -> None:
    """Each takes the next number of its window: whoever comes second waits until the first has one."""
    say(tenant_id, NOON, 5)
    freeze(NOON + HOUR)
    say(tenant_id, NOON + MINUTE, 2)
    late_rows(NOON)
    rejected = [row.identifier for row in batches(tenant_id)]
    MeterReport.objects.filter(identifier__in=rejected).update(status="rejected")
    tenant = BillingAccount.objects.select_for_update().filter(pk=tenant_id)  # whose row a batch needs at its commit
    go = partial(send_again, actor=Actor("sam@staff.example", is_staff=True), reason="The customer is there now.")
    again = at_once_behind(tenant.get, [partial(go, identifier) for identifier in rejected])
    assert {row.identifier for row in batches(tenant_id)} == {*rejected, *again}
    assert sorted(row.seq for row in batches(tenant_id)) == [0, 1, 2, 3]
    assert sorted(row.quantity for row in batches(tenant_id) if row.status == "pending") == [2, 5]


def _subscribed_before_this_period(tenant_id: UUID, ended: timedelta) -> None:
    """A subscription whose period before ended so long ago."""
    border = now() - ended
    subscribe(
        tenant_id,
        border - timedelta(days=31),
        anchor=border,
        period_start=border,
        period_end=border + timedelta(days=30),
    )


def test_rows_of_a_period_that_is_invoiced_count_in_the_current_one(tenant_id: UUID) -> None:
    _subscribed_before_this_period(tenant_id, ended=2 * HOUR)
    freeze(this_hour() - 2 * HOUR)
    hour = this_hour() - 5 * HOUR
    say(tenant_id, hour, 3)
    late_rows(hour)
    (late,) = batches(tenant_id)
    assert told([late]) == [(hour, hour + HOUR, 0, 3)]
    assert (late.is_late, late.event_time >= now() - 2 * HOUR) == (True, True)


def test_rows_of_a_period_whose_invoice_is_a_draft_count_in_it(tenant_id: UUID) -> None:
    _subscribed_before_this_period(tenant_id, ended=50 * MINUTE)
    freeze(this_hour() - 2 * HOUR)
    hour = this_hour() - 5 * HOUR
    say(tenant_id, hour, 3)
    late_rows(hour)
    (late,) = batches(tenant_id)
    assert (late.is_late, late.event_time) == (False, hour)


def test_batches_that_were_never_tried_move_when_their_period_is_invoiced(tenant_id: UUID) -> None:
    """Stripe was away over the end of the period. What was tried keeps its time: its fate is not known."""
    hour = this_hour() - 5 * HOUR
    subscribe(tenant_id, now() - timedelta(days=10))
    say(tenant_id, hour, 3)
    say(tenant_id, hour - HOUR, 2)
    freeze(hour + HOUR)
    MeterReport.objects.filter(account_id=tenant_id, quantity=2).update(first_sent_at=now())
    border = now() - 2 * HOUR

    Subscription.objects.filter(account_id=tenant_id).update(
        anchor=border, period_start=border, period_end=border + timedelta(days=30)
    )
    move_on()
    tried, moved = batches(tenant_id)
    assert (tried.is_late, tried.event_time) == (False, hour - HOUR)
    assert (moved.is_late, moved.event_time >= border) == (True, True)
