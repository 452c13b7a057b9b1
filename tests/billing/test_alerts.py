"""What a tenant is told of its use: each threshold once in a period, however many ask at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from billing.clock import now
from billing.jobs.access import _near_limits
from billing.models import BillingAccount, Meter, UsageAlert, UsageEvent
from billing.periods import period_of
from billing.selectors.due import near_limits
from billing.selectors.thresholds import threshold
from billing.services.access import tick
from billing.services.alerts import check_usage, remind
from chat.models import Notification
from saas.core.ids import uuid7
from tenants.context import TenantRef, in_tenant
from tests.support.cast import MakeTenant
from tests.support.owing import Clock, account_of, fail, mails, subscribe

DAY = timedelta(days=1)


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    return make_tenant()


def use(tenant: TenantRef, quantity: int, meter: Meter = Meter.MESSAGE) -> None:
    """So much more, in one row."""
    moment = timezone.now()
    UsageEvent.objects.create(
        tenant_id=tenant.id, meter=meter, source_id=uuid7(), quantity=quantity, occurred_at=moment, recorded_at=moment
    )


def write(tenant: TenantRef, quantity: int) -> Callable[[], object]:
    """One who uses so much, and looks."""

    def act() -> None:
        use(tenant, quantity)
        check_usage(tenant.id)

    return act


def told(tenant: TenantRef) -> list[tuple[str, int]]:
    return list(UsageAlert.for_tenant(tenant.id).order_by("id").values_list("meter", "threshold"))


def notices(tenant: TenantRef) -> list[str]:
    with in_tenant(tenant):
        return list(Notification.objects.filter(category="billing").order_by("id").values_list("title", flat=True))


@pytest.mark.parametrize(
    ("used", "most", "reached"),
    [(0, 100, None), (79, 100, None), (80, 100, 80), (99, 100, 80), (100, 100, 100), (149, 100, 100), (150, 100, 150),
     (199, 100, 150), (200, 100, 200), (1_234, 100, 1_200), (5, 0, None), (799, 1_000, None)],
)  # fmt: skip
def test_thresholds(used: int, most: int, reached: int | None) -> None:
    assert threshold(used, most) == reached


class TestTwentyWriters:
    def test_16_each_threshold_is_told_once_under_20_parallel_writers(self, tenant: TenantRef) -> None:
        subscribe(tenant)
        use(tenant, 700)
        at_once(20, write(tenant, 6))  # 820 of 1,000
        assert told(tenant) == [("message", 80)]
        at_once(20, write(tenant, 10))  # 1,020
        assert told(tenant) == [("message", 80), ("message", 100)]
        titles = ["80 % of this period's messages are used", "100 % of this period's messages are used"]
        assert mails(tenant) == [f"{tenant.name}: {title}" for title in titles]
        assert notices(tenant) == titles

    def test_16_a_jump_from_70_to_120_percent_tells_of_100_only(self, tenant: TenantRef) -> None:
        subscribe(tenant)
        use(tenant, 700)
        check_usage(tenant.id)
        assert told(tenant) == []
        use(tenant, 500)
        at_once(20, lambda: check_usage(tenant.id))
        assert told(tenant) == [("message", 100)]
        assert len(mails(tenant)) == len(notices(tenant)) == 1

    def test_the_next_period_begins_anew(self, tenant: TenantRef, clock: Clock) -> None:
        subscribe(tenant)
        use(tenant, 850)
        check_usage(tenant.id)
        clock.move(period_of(tenant.id).end - now() + DAY)
        check_usage(tenant.id)
        assert told(tenant) == [("message", 80)], "nothing was used in the new period"


class TestWhatIsTold:
    def test_each_further_half(self, tenant: TenantRef) -> None:
        subscribe(tenant)
        for more in (1_000, 490, 10, 500):
            use(tenant, more)
            check_usage(tenant.id)
        assert told(tenant) == [("message", 100), ("message", 150), ("message", 200)]

    def test_who_wants_no_mail_is_told_inside(self, tenant: TenantRef) -> None:
        subscribe(tenant)
        BillingAccount.objects.filter(pk=tenant.id).update(alerts_by_mail=False)
        use(tenant, 800)
        check_usage(tenant.id)
        assert (len(mails(tenant)), len(notices(tenant))) == (0, 1)

    def test_the_spend_cap_has_its_own(self, tenant: TenantRef) -> None:
        subscribe(tenant)
        BillingAccount.objects.filter(pk=tenant.id).update(spend_cap=1_00)
        use(tenant, 1_000 + 200)  # 80 cents of a dollar
        check_usage(tenant.id)
        assert ("spend", 80) in told(tenant)
        use(tenant, 50)
        check_usage(tenant.id)
        assert ("spend", 100) in told(tenant)

    def test_the_job_finds_whoever_has_news_and_no_other(self, tenant: TenantRef, make_tenant: MakeTenant) -> None:
        quiet, idle = make_tenant(), make_tenant()
        use(tenant, 800)
        use(quiet, 799)
        found = _near_limits()
        assert tenant.id in found
        assert not {quiet.id, idle.id} & set(found)
        check_usage(tenant.id)
        assert tenant.id not in _near_limits()

    def test_the_job_reads_in_a_constant_number_of_statements(
        self, make_tenant: MakeTenant, django_assert_num_queries: Callable[[int], object]
    ) -> None:
        tenants = [make_tenant().id for _ in range(3)]
        with django_assert_num_queries(5):  # type: ignore[attr-defined]
            near_limits(tenants)


class TestReminders:
    def test_on_days_3_and_6(self, tenant: TenantRef, clock: Clock) -> None:
        owe(tenant)
        remind(tenant.id)
        assert told(tenant) == []
        for days in (3, 3):
            clock.move(days * DAY)
            for _ in range(2):
                tick(tenant.id)
                remind(tenant.id)
        assert told(tenant) == [("late", 3), ("late", 6)]
        assert mails(tenant)[1:] == [f"{tenant.name}: Your payment is still open"] * 2

    def test_of_the_deletion_30_7_and_1_days_before(self, tenant: TenantRef, clock: Clock) -> None:
        owe(tenant)
        clock.move(59 * DAY)
        tick(tenant.id)
        assert remind(tenant.id) == 0
        for days in (1, 23, 6):
            clock.move(days * DAY)
            assert remind(tenant.id) == 1
        assert told(tenant) == [("closing", 60), ("closing", 83), ("closing", 89)]

    def test_nobody_is_reminded_while_staff_hold_them(self, tenant: TenantRef, clock: Clock) -> None:
        owe(tenant)
        BillingAccount.objects.filter(pk=tenant.id).update(exempt_until=now() + 10 * DAY)
        clock.move(4 * DAY)
        assert remind(tenant.id) == 0


def owe(tenant: TenantRef) -> None:
    subscribe(tenant)
    fail(tenant)
    tick(tenant.id)
    assert account_of(tenant).failing_since


def at_once(writers: int, act: Callable[[], object]) -> None:
    """So many threads, each with a connection of its own."""

    def run(_number: int) -> None:
        try:
            act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(run, range(writers)))


class TestRestingPlan:
    def test_a_paused_plan_is_told_in_time_and_how_to_go_on(self, tenant: TenantRef) -> None:
        subscribe(tenant, "business", status="paused")
        use(tenant, 900)
        check_usage(tenant.id)
        assert told(tenant) == [("message", 80)]
        with in_tenant(tenant):
            (said,) = Notification.objects.filter(category="billing").values_list("body", flat=True)
        assert "While Business rests, 1,000 messages a month are included as on Free, and 900 are used." in said
        assert "going on with Business opens it at once" in said

    def test_whoever_is_restricted_already_is_not_looked_at_each_minute(self, tenant: TenantRef) -> None:
        subscribe(tenant, status="paused")
        use(tenant, 2_000)
        check_usage(tenant.id)
        assert near_limits([tenant.id]) == [tenant.id]
        tick(tenant.id)
        assert near_limits([tenant.id]) == []
