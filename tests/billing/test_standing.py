"""What every process keeps of a tenant's standing, and what it does when it cannot be read."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from billing import standing
from billing.access import Act, State
from billing.clock import now
from billing.models import BillingAccount, BillingAudit, Meter, Subscription
from billing.plans import Feature
from billing.services.access import settle, suspend, tick
from billing.services.audit import Actor
from billing.standing import (
    forget_standing,
    refusal_of_answer,
    refuse,
    refuse_beyond,
    standing_of,
)
from saas.core.errors import PlanLimit
from tenants.context import TenantRef, run_on_platform
from tests.billing.test_alerts import use
from tests.support.cast import MakeTenant
from tests.support.owing import Clock, account_of, fail, subscribe
from tests.support.patience import PATIENCE

STAFF = Actor("sam@porchlight.example", is_staff=True)
DAY = timedelta(days=1)


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    return make_tenant()


def look(tenant: TenantRef) -> standing.Standing:
    """Past what is kept."""
    forget_standing(tenant_id=tenant.id)
    return standing_of(tenant.id)


class TestHardLimits:
    def test_free_stops_answers_5_percent_beyond_its_messages(self, tenant: TenantRef) -> None:
        use(tenant, 1_049)
        assert look(tenant).over == frozenset()
        assert refusal_of_answer(tenant.id) is None
        refused = refusal_of_answer(tenant.id)
        assert refused is not None
        assert refused.message == (
            "Your message was not sent. The plan Free includes 1,000 messages a month, and 1,049 are used."
            " An owner or admin can choose a larger plan under Billing, Plans."
        )
        use(tenant, 1)
        assert look(tenant).over == {Meter.MESSAGE}

    def test_team_stops_nothing(self, tenant: TenantRef) -> None:
        subscribe(tenant)
        use(tenant, 100_000)
        assert look(tenant).over == frozenset()
        assert refusal_of_answer(tenant.id) is None

    def test_a_trial_stops_where_it_would_cost(self, tenant: TenantRef) -> None:
        subscribe(tenant, status="trialing")
        use(tenant, 1_050)
        assert look(tenant).over == {Meter.MESSAGE}

    @pytest.mark.parametrize("plan", ["team", "business"])
    def test_a_paused_plan_has_what_free_includes(self, tenant: TenantRef, plan: str) -> None:
        """Nobody is billed for it, so it is no larger than what costs nothing."""
        subscribe(tenant, plan, status="paused")
        use(tenant, 1_049)
        assert tick(tenant.id) == "restricted"
        assert look(tenant).over == frozenset()
        assert refusal_of_answer(tenant.id) is None
        refused = refusal_of_answer(tenant.id)
        assert refused is not None
        assert refused.message == (
            f"Your message was not sent. While {plan.title()} rests, 1,000 messages a month are included as on Free, and 1,049"
            " are used. An owner or admin can go on under Billing, Plans."
        )
        use(tenant, 1)
        assert tick(tenant.id) == "restricted"
        assert look(tenant).over == {Meter.MESSAGE}
        assert look(tenant).reason == "paused"

    def test_a_trial_that_ended_without_a_card_has_what_free_includes(self, tenant: TenantRef) -> None:
        subscribe(tenant, "business", status="paused", trial_end=now() - DAY)
        use(tenant, 1_050)
        tick(tenant.id)
        assert look(tenant).reason == "trial_ended"
        assert refusal_of_answer(tenant.id) is not None
        Subscription.for_tenant(tenant.id).update(status="active")
        settle(tenant.id)
        look(tenant)
        assert refusal_of_answer(tenant.id) is None

    def test_what_a_paused_plan_uses_counts_against_no_cap(self, tenant: TenantRef) -> None:
        subscribe(tenant, status="paused")
        BillingAccount.objects.filter(pk=tenant.id).update(spend_cap=0)
        use(tenant, 1_049)
        assert (look(tenant).spend_capped, look(tenant).spend) == (False, 0)

    @pytest.mark.parametrize(("meter", "most"), [(Meter.VISITOR, 210), (Meter.STORAGE, 3_150)])
    def test_visitors_and_storage_restrict_but_let_answer(self, tenant: TenantRef, meter: Meter, most: int) -> None:
        use(tenant, most, meter)
        assert tick(tenant.id) == "restricted"
        assert account_of(tenant).access_reason == "plan_limit"
        assert look(tenant).over == {meter}
        assert refusal_of_answer(tenant.id) is None
        with pytest.raises(PlanLimit, match="No site was made"):
            refuse(tenant.id, Act.MAKE_SITE)

    def test_a_larger_plan_opens_at_once(self, tenant: TenantRef) -> None:
        use(tenant, 1_050)
        assert tick(tenant.id) == "restricted"
        subscribe(tenant)
        assert settle(tenant.id) == "ok"

    def test_the_next_period_opens_by_itself(self, tenant: TenantRef, clock: Clock) -> None:
        use(tenant, 1_050)
        tick(tenant.id)
        assert (step := look(tenant).next_step) is not None
        assert step.state == State.OK
        clock.move(32 * DAY)
        assert tick(tenant.id) == "ok"


class TestSpendCap:
    def test_a_cap_of_its_own_stops_answers_and_restricts(self, tenant: TenantRef) -> None:
        subscribe(tenant)
        BillingAccount.objects.filter(pk=tenant.id).update(spend_cap=1_00)
        use(tenant, 1_000 + 247)
        assert look(tenant).spend_capped is False
        use(tenant, 3)
        assert look(tenant).spend_capped is True
        refused = refusal_of_answer(tenant.id)
        assert refused is not None
        assert "Your spend cap is $1.00 for each period, and $1.00 is used." in refused.message
        assert "raise the cap under Billing, Settings" in refused.message
        assert tick(tenant.id) == "restricted"
        assert account_of(tenant).access_reason == "spend_cap"

    def test_a_cap_of_nothing_stops_at_the_allowance(self, tenant: TenantRef) -> None:
        subscribe(tenant)
        BillingAccount.objects.filter(pk=tenant.id).update(spend_cap=0)
        use(tenant, 1_000)
        assert look(tenant).spend_capped is False
        use(tenant, 1)
        assert look(tenant).spend_capped is True

    def test_raising_it_opens(self, tenant: TenantRef) -> None:
        subscribe(tenant)
        BillingAccount.objects.filter(pk=tenant.id).update(spend_cap=1_00)
        use(tenant, 2_000)
        assert tick(tenant.id) == "restricted"
        BillingAccount.objects.filter(pk=tenant.id).update(spend_cap=10_00)
        assert settle(tenant.id) == "ok"


class TestRefusals:
    def test_a_restricted_tenant_begins_nothing_and_answers(self, tenant: TenantRef, clock: Clock) -> None:
        subscribe(tenant)
        fail(tenant)
        tick(tenant.id)
        clock.move(8 * DAY)
        tick(tenant.id)
        look(tenant)
        for act in (Act.OPEN_ROOM, Act.INVITE, Act.MAKE_SITE, Act.API_WRITE):
            with pytest.raises(PlanLimit, match=r"A payment failed.*pay it under Billing, Invoices"):
                refuse(tenant.id, act)
        refuse(tenant.id, Act.READ)
        assert refusal_of_answer(tenant.id) is None

    def test_in_grace_everything_goes_on(self, tenant: TenantRef) -> None:
        subscribe(tenant)
        fail(tenant)
        tick(tenant.id)
        look(tenant)
        for act in Act:
            refuse(tenant.id, act)

    def test_what_is_no_part_of_the_plan(self, tenant: TenantRef) -> None:
        with pytest.raises(PlanLimit, match="The plan Free is without HTTP API"):
            refuse_beyond(tenant.id, Feature.API)
        subscribe(tenant)
        look(tenant)
        refuse_beyond(tenant.id, Feature.API)

    def test_a_change_is_known_at_once(self, tenant: TenantRef) -> None:
        assert standing_of(tenant.id).state == "ok"
        suspend(tenant.id, actor=STAFF, reason="It sends spam.")
        assert standing_of(tenant.id).state == "suspended"


class TestHotPath:
    def test_a_look_costs_no_statement(self, tenant: TenantRef, django_assert_num_queries: Any) -> None:
        look(tenant)
        with django_assert_num_queries(0):
            for _ in range(1_000):
                refusal_of_answer(tenant.id)
            assert standing_of(tenant.id).is_known

    async def test_the_loop_never_waits_and_knows_soon(self, make_tenant: MakeTenant) -> None:
        tenant = await run_on_platform(make_tenant)
        await run_on_platform(use, tenant, 2_000)
        assert refusal_of_answer(tenant.id) is None, "it did not wait until it knew"
        async with asyncio.timeout(PATIENCE):
            while refusal_of_answer(tenant.id) is None:
                await asyncio.sleep(0.01)


class TestFailsOpen:
    def test_the_chat_goes_on_when_the_tables_cannot_be_read_and_it_is_written_down(
        self, tenant: TenantRef, superuser: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use(tenant, 2_000)
        assert look(tenant).over
        monkeypatch.setattr(standing, "PATIENCE", "200ms")
        monkeypatch.setattr(standing, "AGAIN", 60.0)
        with superuser.transaction():
            superuser.execute("LOCK TABLE billing_billingaccount IN ACCESS EXCLUSIVE MODE")
            assert look(tenant).is_known is False
            assert refusal_of_answer(tenant.id) is None
            refuse(tenant.id, Act.MAKE_SITE)
        monkeypatch.setattr(standing, "PATIENCE", "30s")
        assert look(tenant).over, "it is known again"
        assert BillingAudit.objects.filter(tenant_id=tenant.id, action="access.failed_open").count() == 1

    def test_nobody_knows_a_tenant_that_is_not_there(self) -> None:
        assert standing_of(uuid4()).is_known is False


@pytest.fixture(autouse=True)
def _no_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Of asyncio are those of loops that other tests left to the garbage."""
    yield
    assert [record for record in caplog.records if record.levelname == "ERROR" and record.name != "asyncio"] == []


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "PATIENCE", "30s")
