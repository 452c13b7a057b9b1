"""The second person cannot be walked around: what one gives a tenant alone is added up, and each decision has a reason."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from billing.clock import now
from billing.models import Adjustment, BillingAudit, MeterReport
from billing.services import adjustments
from billing.services.asked import Asked
from tenants.context import TenantRef
from tenants.models import User
from tests.billing.reporting.scene import HOUR, say, this_hour
from tests.billing.staff.conftest import MakeStaff, subscribe
from tests.billing.staff.test_pages import MONEY, as_staff, words
from tests.support.cast import MakeTenant
from tests.support.web import Browser

DAY = timedelta(days=1)


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    """With Team, where a message beyond the allowance has a price."""
    made = make_tenant()
    subscribe(made.id)
    return made


def usage(tenant: TenantRef, dollars: int) -> Asked:
    """So much of usage taken back: a thousand messages of Team cost 4 dollars."""
    return Asked("usage", tenant.id, "Counted twice.", uuid4(), amount=dollars * 250, meter="message")


def doubted(tenant: TenantRef, dollars: int, *, hours: int = 0) -> MeterReport:
    """A batch whose fate nobody knows."""
    begun = this_hour() - hours * HOUR
    made: MeterReport = MeterReport.objects.create(
        account_id=tenant.id,
        meter="message",
        window_start=begun,
        window_end=begun + HOUR,
        event_time=begun,
        quantity=dollars * 250,
        identifier=f"{tenant.id}:message:{uuid4().hex[:8]}:0",
        status="verify",
    )
    return made


class TestManySmallOnes:
    def test_they_are_added_up(self, tenant: TenantRef, sam: User) -> None:
        assert adjustments.ask(usage(tenant, 60), by=sam).status == "done"
        assert adjustments.ask(usage(tenant, 40), by=sam).status == "done"
        assert adjustments.ask(usage(tenant, 4), by=sam).status == "waiting"

    def test_not_those_of_another_tenant(self, tenant: TenantRef, sam: User, make_tenant: MakeTenant) -> None:
        other = make_tenant()
        subscribe(other.id)
        adjustments.ask(usage(other, 60), by=sam)
        assert adjustments.ask(usage(tenant, 60), by=sam).status == "done"

    def test_not_those_of_another_person(self, tenant: TenantRef, sam: User, make_staff: MakeStaff) -> None:
        adjustments.ask(usage(tenant, 60), by=make_staff("billing"))
        assert adjustments.ask(usage(tenant, 60), by=sam).status == "done"

    @pytest.mark.parametrize(("days", "status"), [(29, "waiting"), (31, "done")])
    def test_those_of_thirty_days(self, tenant: TenantRef, sam: User, days: int, status: str) -> None:
        first = adjustments.ask(usage(tenant, 60), by=sam)
        Adjustment.objects.filter(id=first.id).update(requested_at=now() - days * DAY)
        assert adjustments.ask(usage(tenant, 60), by=sam).status == status

    def test_not_what_a_second_person_approved_or_declined(self, tenant: TenantRef, sam: User, make_staff: MakeStaff) -> None:
        lea = make_staff("billing")
        adjustments.approve(adjustments.ask(usage(tenant, 500), by=sam).id, by=lea)
        adjustments.decline(adjustments.ask(usage(tenant, 500), by=sam).id, by=lea, reason="Too much.")
        assert adjustments.ask(usage(tenant, 60), by=sam).status == "done"

    def test_one_that_failed_may_be_tried_again_and_counts(self, tenant: TenantRef, sam: User) -> None:
        first = adjustments.ask(usage(tenant, 60), by=sam)
        Adjustment.objects.filter(id=first.id).update(status="failed")
        assert adjustments.ask(usage(tenant, 60), by=sam).status == "waiting"


@pytest.mark.parametrize(("messages", "status"), [(0, "done"), (40_000, "waiting")])
def test_a_comp_is_worth_what_the_tenant_uses_too(make_tenant: MakeTenant, sam: User, messages: int, status: str) -> None:
    """A plan for nothing has no price beyond its allowances either."""
    tenant = make_tenant()
    if messages:
        say(tenant.id, now() - HOUR, messages)
    asked = Asked("comp", tenant.id, "A charity.", uuid4(), amount=1, subject="team", until=now() + 20 * DAY)
    assert adjustments.ask(asked, by=sam).status == status


class TestABatchInDoubt:
    def post(self, browser: Browser, batch: MeterReport, verdict: str, reason: str, key: UUID | None = None) -> str:
        form = {"identifier": batch.identifier, "reason": reason, "form_key": str(key or uuid4())}
        browser.post(f"{MONEY}/metering/batches/{verdict}/", form)
        batch.refresh_from_db()
        return words(browser.get(f"{MONEY}/metering/"))

    def test_a_small_one_is_decided_by_one_person(self, browser: Browser, sam: User, tenant: TenantRef) -> None:
        batch = doubted(tenant, 80)
        as_staff(browser, sam, f"{MONEY}/metering/")
        self.post(browser, batch, "counted", "Stripe's dashboard shows it.")
        assert batch.status == "sent"
        made = Adjustment.objects.get(account_id=tenant.id)
        assert (made.kind, made.status, made.worth, made.reason) == ("counted", "done", 80_00, "Stripe's dashboard shows it.")
        assert BillingAudit.objects.filter(tenant_id=tenant.id, action="adjustment.done", actor=sam.email).exists()

    def test_a_large_one_by_two(self, browser: Browser, sam: User, tenant: TenantRef, make_staff: MakeStaff) -> None:
        batch = doubted(tenant, 120)
        as_staff(browser, sam, f"{MONEY}/metering/")
        assert "Somebody else must approve it" in self.post(browser, batch, "counted", "Stripe's dashboard shows it.")
        assert batch.status == "verify"
        adjustments.approve(Adjustment.objects.get(account_id=tenant.id).id, by=make_staff("billing"))
        batch.refresh_from_db()
        assert batch.status == "sent"

    def test_many_small_ones_by_two(self, browser: Browser, sam: User, tenant: TenantRef) -> None:
        first, second = doubted(tenant, 60), doubted(tenant, 60, hours=1)
        as_staff(browser, sam, f"{MONEY}/metering/")
        for batch in (first, second):
            self.post(browser, batch, "counted", "Stripe's dashboard shows it.")
        assert (first.status, second.status) == ("sent", "verify")

    def test_the_form_sent_twice_is_one(self, browser: Browser, sam: User, tenant: TenantRef) -> None:
        batch, key = doubted(tenant, 120), uuid4()
        as_staff(browser, sam, f"{MONEY}/metering/")
        for _ in range(2):
            self.post(browser, batch, "counted", "Stripe's dashboard shows it.", key)
        assert Adjustment.objects.filter(account_id=tenant.id).count() == 1

    @pytest.mark.parametrize(
        ("verdict", "before", "after"),
        [("counted", "verify", "sent"), ("missing", "verify", "pending"), ("again", "rejected", "waived")],
    )
    def test_nothing_without_a_reason(
        self, browser: Browser, sam: User, tenant: TenantRef, verdict: str, before: str, after: str
    ) -> None:
        batch = doubted(tenant, 10)
        MeterReport.objects.filter(id=batch.id).update(status=before)
        as_staff(browser, sam, f"{MONEY}/metering/")
        assert "Say why" in self.post(browser, batch, verdict, "  ")
        assert batch.status == before
        self.post(browser, batch, verdict, "I looked it up.")
        assert batch.status == after

    def test_what_nobody_doubts_is_not_decided(self, browser: Browser, sam: User, tenant: TenantRef) -> None:
        batch = doubted(tenant, 10)
        MeterReport.objects.filter(id=batch.id).update(status="pending")
        as_staff(browser, sam, f"{MONEY}/metering/")
        assert "in the state verify" in self.post(browser, batch, "counted", "I looked it up.")
        assert batch.status == "pending"
        assert not Adjustment.objects.filter(account_id=tenant.id).exists()
