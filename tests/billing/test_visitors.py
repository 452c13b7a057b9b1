"""A visitor counts when a session of theirs starts, once in each period, and nobody learns from it who they were."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import connections, transaction
from django.utils import timezone

from billing.metering import record_visitor
from billing.models import ActiveVisitor, Meter, UsageEvent
from billing.periods import period_of
from billing.selectors.usage import used
from chat.services.sites import change_site
from tenants.context import TenantRef, in_tenant
from tests.support.cast import MakeTenant
from tests.support.talk import embed_key
from tests.support.usage import account_with
from tests.support.visits import keep_cookie, refused
from tests.support.widgets import SHOP, Widget, browser

VISITORS, VISITS = 40, 1_000


def site(tenant: TenantRef) -> list[Widget]:
    """The tenant's site in so many browsers."""
    key = embed_key(tenant)
    change_site(tenant, key.site_id, allowed_origins=[SHOP])
    return [Widget(key.key, browser()) for _ in range(VISITORS)]


def period_begins(tenant: TenantRef, moment: datetime) -> None:
    account_with(tenant, anchor=moment.replace(microsecond=0))


def active(tenant: TenantRef) -> int:
    return used(tenant.id, period_of(tenant.id))[Meter.VISITOR]


def test_a_thousand_visits_by_forty_visitors_are_forty_in_each_period(make_tenant: MakeTenant) -> None:
    """Acceptance check 9."""
    tenant = make_tenant()
    period_begins(tenant, timezone.now() - timedelta(days=2))
    browsers = site(tenant)
    for visit in range(VISITS):
        answer = browsers[visit % VISITORS].session()
        assert answer.status_code == 200
        keep_cookie(browsers[visit % VISITORS], answer)
    assert active(tenant) == VISITORS
    period_begins(tenant, timezone.now())
    assert active(tenant) == 0
    for widget in browsers:
        assert widget.session().status_code == 200
    assert active(tenant) == VISITORS
    assert UsageEvent.objects.filter(tenant_id=tenant.id, meter=Meter.VISITOR).count() == 2 * VISITORS


def test_a_refused_session_counts_nobody(make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    widget = site(tenant)[0]
    assert refused(widget.session(parent="https://other.example"))[0] == 403
    assert active(tenant) == 0
    assert widget.session().status_code == 200
    assert active(tenant) == 1


def test_many_first_sessions_at_once_count_one(make_tenant: MakeTenant) -> None:
    tenant, visitor = make_tenant(), uuid4()

    def visit(_place: int) -> bool:
        try:
            with in_tenant(tenant), transaction.atomic():
                return record_visitor(visitor)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(visit, range(24))) == [False] * 23 + [True]
    assert active(tenant) == 1


def test_a_session_that_came_to_nothing_counts_nobody(make_tenant: MakeTenant) -> None:
    tenant, visitor = make_tenant(), uuid4()
    with in_tenant(tenant), transaction.atomic():
        assert record_visitor(visitor)
        transaction.set_rollback(True)
    assert active(tenant) == 0
    assert not ActiveVisitor.objects.filter(account_id=tenant.id).exists()


def test_nothing_that_is_kept_tells_who_it_was(acme: TenantRef, globex: TenantRef) -> None:
    visitor = uuid4()
    for tenant in (acme, globex):
        with in_tenant(tenant):
            assert record_visitor(visitor)
    rows = ActiveVisitor.objects.order_by("-seen_at")[:2]
    hashes = [bytes(row.visitor_hash) for row in rows]
    assert hashes[0] != hashes[1]
    assert visitor.bytes not in hashes
    sources = UsageEvent.objects.filter(meter=Meter.VISITOR).values_list("source_id", flat=True)
    assert visitor not in sources
    assert all(UUID(str(source)).version == 7 for source in sources)
