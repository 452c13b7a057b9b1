"""A tenant whose payment fails, day by day, on the rows that Stripe's objects become."""

from datetime import UTC, datetime, timedelta

import pytest

from billing.clock import now
from billing.models import AccessTransition, BillingAccount, BillingAudit, Subscription
from billing.selectors.plans import plan_of
from billing.services.access import hold, lift, settle, suspend
from billing.services.audit import Actor
from billing.standing import read_standing
from saas.core.errors import BadFrame, Conflict
from tenants.context import TenantRef
from tenants.models import Tenant
from tests.support.cast import MakeTenant
from tests.support.owing import Clock, account_of, fail, mails, pay, subscribe

STAFF = Actor("sam@porchlight.example", is_staff=True)
DAY = timedelta(days=1)


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    return make_tenant()


class TestFailedRenewal:
    def test_14_a_failed_renewal_walks_down_by_days_and_a_payment_leads_back(self, tenant: TenantRef, clock: Clock) -> None:
        subscribe(tenant)
        fail(tenant)
        assert settle(tenant.id) == "grace"
        clock.move(7 * DAY - timedelta(minutes=1))
        assert settle(tenant.id) == "grace"
        clock.move(timedelta(minutes=1))
        assert settle(tenant.id) == "restricted"
        clock.move(14 * DAY)
        assert settle(tenant.id) == "suspended"
        assert Tenant.objects.get(id=tenant.id).status == "suspended"
        pay(tenant)
        assert settle(tenant.id) == "ok"
        assert Tenant.objects.get(id=tenant.id).status == "active"
        steps = [("ok", "grace"), ("grace", "restricted"), ("restricted", "suspended"), ("suspended", "ok")]
        moves = AccessTransition.for_tenant(tenant.id).order_by("id")
        assert list(moves.values_list("before", "after")) == steps
        audit = BillingAudit.objects.filter(tenant_id=tenant.id, action="access.move").order_by("id")
        assert [(row.before["state"], row.after["state"]) for row in audit] == steps
        said = ["Your payment failed", "Some things wait", "Your tenant is suspended", "Everything is open"]
        assert mails(tenant) == [f"{tenant.name}: {title}" for title in said]

    @pytest.mark.parametrize("days", [0, 6, 8, 22])
    def test_14_a_payment_at_any_point_opens_everything(self, tenant: TenantRef, clock: Clock, days: int) -> None:
        subscribe(tenant)
        fail(tenant)
        settle(tenant.id)
        clock.move(days * DAY)
        settle(tenant.id)
        pay(tenant)
        assert settle(tenant.id) == "ok"
        assert account_of(tenant).failing_since is None

    def test_settling_again_changes_nothing_and_says_nothing(self, tenant: TenantRef) -> None:
        subscribe(tenant)
        fail(tenant)
        for _ in range(3):
            settle(tenant.id)
        assert AccessTransition.for_tenant(tenant.id).count() == 1
        assert len(mails(tenant)) == 1

    def test_days_begin_when_we_learn_of_it(self, tenant: TenantRef, clock: Clock) -> None:
        subscribe(tenant)
        fail(tenant)
        clock.move(30 * DAY)  # nobody told us for a month
        assert settle(tenant.id) == "grace"

    def test_incomplete_never_grants_a_plan(self, tenant: TenantRef) -> None:
        subscribe(tenant, status="incomplete")
        fail(tenant, status="incomplete")
        assert plan_of(tenant.id).key == "free"
        assert settle(tenant.id) == "ok", "what never began is not owed for"

    def test_a_trial_that_ends_without_a_card_is_restricted_and_stays_so(self, tenant: TenantRef, clock: Clock) -> None:
        subscribe(tenant, status="trialing", trial_end=now() + 14 * DAY)
        assert settle(tenant.id) == "ok"
        clock.move(15 * DAY)
        Subscription.for_tenant(tenant.id).update(status="paused")
        assert settle(tenant.id) == "restricted"
        assert account_of(tenant).access_reason == "trial_ended"
        clock.move(400 * DAY)
        assert settle(tenant.id) == "restricted"

    def test_cancelled_with_an_open_invoice_is_suspended(self, tenant: TenantRef) -> None:
        subscribe(tenant)
        fail(tenant)
        Subscription.for_tenant(tenant.id).update(status="canceled")
        assert settle(tenant.id) == "suspended"
        assert account_of(tenant).access_reason == "canceled_unpaid"


class TestStaff:
    def test_15_a_suspension_by_staff_outlives_a_payment(self, tenant: TenantRef) -> None:
        subscribe(tenant)
        fail(tenant)
        settle(tenant.id)
        suspend(tenant.id, actor=STAFF, reason="It sends spam.")
        pay(tenant)
        assert settle(tenant.id) == "suspended"
        assert Tenant.objects.get(id=tenant.id).status == "suspended"
        for nothing in ("", "  "):
            with pytest.raises(BadFrame):
                lift(tenant.id, actor=STAFF, reason=nothing)
        lift(tenant.id, actor=STAFF, reason="They stopped.")
        assert account_of(tenant).access_state == "ok"
        audit = BillingAudit.objects.filter(tenant_id=tenant.id, actor=STAFF.email).order_by("id")
        said = [("access.suspend", "It sends spam.", True), ("access.lift", "They stopped.", True)]
        assert list(audit.values_list("action", "reason", "is_staff")) == said

    def test_15_lifting_leads_back_to_what_money_says(self, tenant: TenantRef) -> None:
        subscribe(tenant)
        fail(tenant)
        suspend(tenant.id, actor=STAFF, reason="It sends spam.")
        lift(tenant.id, actor=STAFF, reason="They stopped.")
        assert account_of(tenant).access_state == "grace"

    def test_nobody_is_suspended_twice_or_lifted_without_it(self, tenant: TenantRef) -> None:
        with pytest.raises(Conflict):
            lift(tenant.id, actor=STAFF, reason="Let them.")
        suspend(tenant.id, actor=STAFF, reason="It sends spam.")
        with pytest.raises(Conflict):
            suspend(tenant.id, actor=STAFF, reason="It sends spam.")

    def test_while_staff_hold_it_money_restricts_nothing(self, tenant: TenantRef, clock: Clock) -> None:
        subscribe(tenant)
        fail(tenant)
        settle(tenant.id)
        hold(tenant.id, until=now() + 40 * DAY, actor=STAFF, reason="Their bank is slow.")
        clock.move(39 * DAY)
        assert settle(tenant.id) == "grace"
        clock.move(DAY)
        assert settle(tenant.id) == "restricted"

    def test_without_a_hold_the_same_days_restrict(self, tenant: TenantRef, clock: Clock) -> None:
        subscribe(tenant)
        fail(tenant)
        settle(tenant.id)
        clock.move(39 * DAY)
        assert settle(tenant.id) == "suspended"

    def test_a_hold_ends_in_the_future_and_has_a_reason(self, tenant: TenantRef) -> None:
        for until, reason in ((now() - DAY, "Their bank is slow."), (now() + DAY, " ")):
            with pytest.raises(BadFrame):
                hold(tenant.id, until=until, actor=STAFF, reason=reason)
        assert account_of(tenant).exempt_until is None

    @pytest.mark.parametrize("day", [datetime.max.replace(tzinfo=UTC), now() + 3 * 366 * DAY])
    def test_a_hold_ends_within_two_years(self, tenant: TenantRef, day: datetime) -> None:
        with pytest.raises(BadFrame, match=f"{day:%Y-%m-%d} is too far ahead. A hold ends on .* at the latest") as refusal:
            hold(tenant.id, until=day, actor=STAFF, reason="Their bank is slow.")
        assert refusal.value.field == "until"
        assert account_of(tenant).exempt_until is None
        hold(tenant.id, until=now() + 2 * 365 * DAY, actor=STAFF, reason="Their bank is slow.")
        assert account_of(tenant).exempt_until is not None

    def test_a_hold_of_old_that_never_ends_shuts_nothing_when_the_tenant_owes(self, tenant: TenantRef) -> None:
        subscribe(tenant)
        BillingAccount.objects.filter(pk=tenant.id).update(exempt_until=datetime.max.replace(tzinfo=UTC))
        fail(tenant)
        assert settle(tenant.id) == "grace"
        assert read_standing(tenant.id).reason == "unpaid"
