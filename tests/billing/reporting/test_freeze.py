"""Batches are frozen: what was used in an hour that is over, cut at the borders of periods, once and in few statements."""

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from django.db import connections

from billing.models import BillingAccount, Meter, MeterPosition, MeterReport, UsageDay
from billing.reporting.freeze import freeze, freeze_period
from billing.reporting.held import release
from tests.billing.reporting.scene import HOUR, MINUTE, at, batches, say, subscribe, this_hour, told
from tests.support.cast import MakeTenant

NOON = at(2026, 11, 20, 12)


@pytest.fixture
def tenant_id(make_tenant: MakeTenant) -> UUID:
    """A tenant whose month begins at midnight."""
    tenant = make_tenant()
    BillingAccount.objects.filter(pk=tenant.id).update(anchor=at(2026, 11, 1), created_at=at(2026, 11, 1))
    return tenant.id


def test_an_hour_that_is_over_is_one_batch(tenant_id: UUID) -> None:
    say(tenant_id, NOON, 3)
    say(tenant_id, NOON + HOUR - timedelta(milliseconds=1))
    say(tenant_id, NOON + HOUR, 5)
    say(tenant_id, NOON, 2, meter=Meter.VISITOR)
    freeze(NOON + HOUR + MINUTE)
    assert told(batches(tenant_id)) == [(NOON, NOON + HOUR, 0, 4)]
    assert told(batches(tenant_id, Meter.VISITOR)) == [(NOON, NOON + HOUR, 0, 2)]
    (batch,) = batches(tenant_id)
    assert (batch.identifier, batch.event_time) == (f"{tenant_id}:message:20261120T120000000:0", NOON)


def test_freezing_again_makes_nothing(tenant_id: UUID) -> None:
    say(tenant_id, NOON, 3)
    freeze(NOON + HOUR)
    freeze(NOON + HOUR)
    freeze(NOON + 2 * HOUR)
    assert told(batches(tenant_id)) == [(NOON, NOON + HOUR, 0, 3)]


def test_the_running_hour_waits_unless_its_period_is_over(tenant_id: UUID) -> None:
    """The anchor is at half past eleven of the twentieth: a border within an hour."""
    border = NOON - HOUR + 30 * MINUTE
    BillingAccount.objects.filter(pk=tenant_id).update(anchor=border)
    say(tenant_id, border - timedelta(milliseconds=1), 1)
    say(tenant_id, border, 2)
    freeze(border + 5 * MINUTE)
    assert told(batches(tenant_id)) == [(NOON - HOUR, border, 0, 1)]
    freeze(NOON)
    assert told(batches(tenant_id)) == [(NOON - HOUR, border, 0, 1), (border, NOON, 0, 2)]


def test_an_hour_that_was_over_before_anybody_looked_is_cut_too(tenant_id: UUID) -> None:
    border = NOON + 30 * MINUTE
    BillingAccount.objects.filter(pk=tenant_id).update(anchor=border)
    say(tenant_id, border - timedelta(milliseconds=1), 1)
    say(tenant_id, border, 2)
    freeze(NOON + 3 * HOUR)
    assert told(batches(tenant_id)) == [(NOON, border, 0, 1), (border, NOON + HOUR, 0, 2)]


def test_a_forced_freeze_takes_the_running_hour_up_to_its_moment(tenant_id: UUID) -> None:
    moment = NOON + 20 * MINUTE
    say(tenant_id, NOON, 3)
    say(tenant_id, moment, 4)
    freeze_period(tenant_id, moment)
    assert told(batches(tenant_id)) == [(NOON, moment, 0, 3)]
    freeze(NOON + HOUR)
    assert told(batches(tenant_id)) == [(NOON, moment, 0, 3), (moment, NOON + HOUR, 0, 4)]


def test_batches_of_tenants_without_a_subscription_are_held(tenant_id: UUID) -> None:
    say(tenant_id, NOON)
    freeze(NOON + HOUR)
    assert [batch.status for batch in batches(tenant_id)] == ["held"]


def test_batches_of_a_subscription_are_to_be_sent_from_its_first_second(tenant_id: UUID) -> None:
    begun = NOON + 30 * MINUTE
    subscribe(tenant_id, begun)
    say(tenant_id, NOON, 2)
    say(tenant_id, begun, 3)
    freeze(NOON + HOUR)
    assert [(row.window_start, row.quantity, row.status) for row in batches(tenant_id)] == [
        (NOON, 2, "held"),
        (begun, 3, "pending"),
    ]


def test_batches_of_a_comp_are_held(tenant_id: UUID) -> None:
    subscribe(tenant_id, NOON - HOUR, source="comp", stripe_id=None)
    say(tenant_id, NOON)
    freeze(NOON + HOUR)
    assert [batch.status for batch in batches(tenant_id)] == ["held"]


def test_what_was_used_up_to_the_end_of_a_subscription_is_sent(tenant_id: UUID) -> None:
    ended = NOON + 30 * MINUTE
    subscribe(tenant_id, NOON - HOUR, status="canceled", ended_at=ended)
    say(tenant_id, NOON, 2)
    say(tenant_id, ended, 3)
    freeze(NOON + HOUR)
    assert [(row.window_end, row.quantity, row.status) for row in batches(tenant_id)] == [
        (ended, 2, "pending"),
        (NOON + HOUR, 3, "held"),
    ]


def test_held_batches_are_released_that_lie_in_the_subscription(tenant_id: UUID) -> None:
    """Its mirror came later than its first hours were frozen."""
    begun = this_hour() - 3 * HOUR
    say(tenant_id, begun - HOUR, 1)
    say(tenant_id, begun, 2)
    freeze(begun + HOUR)
    subscribe(tenant_id, begun)
    assert release(tenant_id) == 1
    assert [(row.quantity, row.status) for row in batches(tenant_id)] == [(1, "held"), (2, "pending")]


def test_held_batches_that_stripe_takes_no_more_stay(tenant_id: UUID) -> None:
    begun = this_hour() - timedelta(days=36)
    say(tenant_id, begun, 2)
    freeze(begun + HOUR)
    subscribe(tenant_id, begun)
    assert release(tenant_id) == 0
    assert [row.status for row in batches(tenant_id)] == ["held"]


def test_days_are_the_sums_of_batches(tenant_id: UUID) -> None:
    midnight = at(2026, 11, 21)
    say(tenant_id, midnight - MINUTE, 2)
    say(tenant_id, midnight, 3)
    freeze(midnight + HOUR)
    say(tenant_id, midnight + HOUR, 4)
    freeze(midnight + 2 * HOUR)
    expected = [((midnight - HOUR).date(), 2), (midnight.date(), 7)]
    days = UsageDay.objects.filter(account_id=tenant_id).order_by("day")
    assert list(days.values_list("day", "quantity")) == expected


def test_usage_from_before_the_tenants_row_is_not_lost(tenant_id: UUID) -> None:
    BillingAccount.objects.filter(pk=tenant_id).update(created_at=NOON)
    say(tenant_id, NOON - timedelta(days=2), 7)
    freeze(NOON + HOUR)
    assert [row.quantity for row in batches(tenant_id)] == [7]


def test_it_takes_three_statements_for_any_number_of_tenants(make_tenant: MakeTenant, django_assert_num_queries: Any) -> None:
    moment = this_hour() - HOUR
    tenants = [make_tenant().id for _ in range(3)]
    BillingAccount.objects.filter(pk__in=tenants).update(created_at=moment)
    freeze(moment)
    for tenant_id in tenants:
        say(tenant_id, moment, 2)
    with django_assert_num_queries(5):  # and two for the transaction
        freeze(moment + HOUR)
    assert MeterReport.objects.filter(account_id__in=tenants).count() == 3


def test_runs_at_the_same_time_make_each_batch_once(tenant_id: UUID) -> None:
    say(tenant_id, NOON, 3)
    freeze(NOON)
    start = Barrier(4)

    def run() -> None:
        start.wait()
        freeze(NOON + HOUR)
        connections.close_all()

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told(batches(tenant_id)) == [(NOON, NOON + HOUR, 0, 3)]
    assert MeterPosition.objects.get(account_id=tenant_id, meter=Meter.MESSAGE).frozen_until == NOON + HOUR
