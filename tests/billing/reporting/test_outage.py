"""Stripe is away for six hours while people go on talking: nothing is lost, everybody can see it, and it adds up afterwards."""

import contextlib
from collections.abc import Collection, Iterator
from datetime import timedelta
from threading import Barrier, Event, Thread
from uuid import UUID

from django.db import connections
from django.utils import timezone

from billing.clock import now
from billing.jobs import reporting as jobs
from billing.models import Difference, MeterReport
from billing.reporting.freeze import freeze_period
from billing.reporting.health import Level, health
from billing.reporting.reconcile import reconcile
from chat.models import Message
from tenants.context import TenantRef, in_tenant
from tests.billing.reporting.scene import Stripe
from tests.billing.reporting.sending import at_once, in_loop
from tests.support import talk
from tests.support.cast import MakeTenant

HOURS = 6


def test_six_hours_without_stripe_lose_nothing(make_tenant: MakeTenant, stripe: Stripe) -> None:
    """Acceptance check 20."""
    stripe.sync()
    tenants = {tenant.id: tenant for tenant in (make_tenant(), make_tenant())}
    customers = {tenant_id: stripe.customer(tenant_id) for tenant_id in tenants}
    for tenant_id, customer in customers.items():
        stripe.subscribe(tenant_id, customer)
    stripe.sandbox.fail("cut", "POST /v1/billing/*", times=None)
    with talking(tenants.values()):
        for _ in range(HOURS):
            an_hour_passes(stripe, tenants)
    sick = health()
    assert (sick.level, sick.unsent >= HOURS) == (Level.BAD, True)
    assert sick.oldest_unsent is not None
    assert sick.oldest_unsent < now() - timedelta(hours=HOURS - 1.1)
    assert any("The oldest batch waits for" in reason for reason in sick.reasons)
    assert any("The job drain: Stripe does not answer" in reason for reason in sick.reasons)
    assert {stripe.total(customer) for customer in customers.values()} == {0}

    stripe.sandbox.mend()
    an_hour_passes(stripe, tenants)
    said = {tenant_id: messages(tenant) for tenant_id, tenant in tenants.items()}
    assert min(said.values()) >= HOURS
    assert {tenant_id: stripe.total(customer) for tenant_id, customer in customers.items()} == said
    assert stripe.repeats() == 0
    for tenant_id in tenants:
        reconcile((now() + timedelta(days=1)).date(), tenant_id)
    assert not Difference.objects.filter(account_id__in=tenants).exists()
    assert not MeterReport.objects.filter(account_id__in=tenants).exclude(status="sent").exists()
    well = health()
    assert (well.unsent, well.oldest_unsent) == (0, None)
    assert not [reason for reason in well.reasons if "drain" in reason or "waits for" in reason]


@contextlib.contextmanager
def talking(tenants: Collection[TenantRef]) -> Iterator[None]:
    """A visitor of each tenant writes line after line until the block ends; a line that is refused fails the test."""
    over, faults = Event(), list[BaseException]()
    begun = Barrier(len(tenants) + 1, timeout=60)

    def talk_on(tenant: TenantRef) -> None:
        try:
            vic = talk.visitor(tenant)
            room = talk.room_of(tenant, vic, "Hello?")
            begun.wait()
            while not over.is_set():
                talk.say(tenant, room, vic, "Is anybody there?")
        except BaseException as fault:
            faults.append(fault)
        finally:
            connections.close_all()

    threads = [Thread(target=talk_on, args=[tenant]) for tenant in tenants]
    for thread in threads:
        thread.start()
    try:
        begun.wait()
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert faults == []


def an_hour_passes(stripe: Stripe, tenants: dict[UUID, TenantRef]) -> None:
    """The clock of billing goes on. People talk in real time, so each turn closes what was said until now."""
    stripe.sandbox.advance(3600)
    for tenant_id in tenants:
        freeze_period(tenant_id, timezone.now())
        at_once(tenant_id)
    in_loop(lambda: jobs.send_usage(timestamp=0))


def messages(tenant: TenantRef) -> int:
    with in_tenant(tenant):
        return Message.objects.count()
