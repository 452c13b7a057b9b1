"""What recurring revenue is made of, and that looking at it costs the same with many tenants."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.clock import now
from billing.models import InvoiceLine
from billing.selectors.staff.overview import Revenue, overview
from billing.selectors.staff.tenants import Wanted, tenant_page
from tests.billing.staff.conftest import invoice, move, subscribe
from tests.support.cast import MakeTenant


def mrr() -> int:
    return sum(revenue.mrr for revenue in overview().revenues)


def dollars() -> Revenue:
    return next(revenue for revenue in overview().revenues if revenue.currency == "usd")


@pytest.mark.parametrize(
    ("values", "worth"),
    [
        ({}, 75_00),
        ({"plan": "business"}, 195_00),
        ({"interval": "year"}, 62_50),
        ({"percent_off": 20}, 60_00),
        ({"amount_off": 10_00}, 65_00),
        ({"status": "past_due"}, 75_00),
        ({"status": "trialing"}, 0),
        ({"status": "paused"}, 0),
        ({"status": "canceled"}, 0),
        ({"source": "comp", "stripe_id": None}, 0),
    ],
)
def test_what_a_subscription_adds(make_tenant: MakeTenant, values: dict[str, object], worth: int) -> None:
    tenant, before = make_tenant(), mrr()
    subscribe(tenant.id, **values)  # type: ignore[arg-type]
    assert mrr() - before == worth


def test_the_months_add_up_to_today(make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    subscribe(tenant.id, seats=7)
    before = dollars().months[-1]
    move(tenant.id, "new", 0, 75_00)
    move(tenant.id, "expansion", 75_00, 120_00)
    move(tenant.id, "contraction", 120_00, 105_00)
    after = dollars()
    month = after.months[-1]
    moved = (month.new - before.new, month.expansion - before.expansion, month.contraction - before.contraction)
    assert moved == (75_00, 45_00, -15_00)
    assert month.mrr == after.mrr
    assert after.months[-2].mrr == month.mrr - month.new - month.expansion - month.contraction - month.churn


def test_usage_revenue_stands_apart(make_tenant: MakeTenant) -> None:
    tenant, before = make_tenant(), dollars()
    made = invoice(tenant.id, created_at=now(), total=76_20)
    line = {"invoice": made, "period_start": made.period_start, "period_end": made.period_end}
    InvoiceLine.objects.create(stripe_id=f"il_1{made.id}", place=0, description="Seats", kind="seat", amount=75_00, **line)
    InvoiceLine.objects.create(stripe_id=f"il_2{made.id}", place=1, description="Messages", kind="meter", amount=1_20, **line)
    after = dollars()
    assert after.months[-1].usage - before.months[-1].usage == 1_20
    assert after.mrr == before.mrr


def test_money_at_risk_is_what_a_card_did_not_pay(make_tenant: MakeTenant) -> None:
    tenant, before = make_tenant(), overview()
    owed = {"status": "open", "amount_paid": 0, "amount_remaining": 75_00, "paid_at": None}
    invoice(tenant.id, **owed, attempt_count=0)  # nobody tried yet
    assert overview().at_risk == before.at_risk
    invoice(tenant.id, **owed, attempt_count=1)
    after = overview()
    assert after.at_risk["usd"] - before.at_risk.get("usd", 0) == 75_00
    assert after.at_risk_tenants - before.at_risk_tenants == 1


def test_trials_that_end_soon(make_tenant: MakeTenant) -> None:
    soon, later = make_tenant(), make_tenant()
    subscribe(soon.id, status="trialing", trial_end=now() + timedelta(days=3))
    subscribe(later.id, status="trialing", trial_end=now() + timedelta(days=10))
    ending = {subscription.account_id for subscription in overview().trials_ending}
    assert soon.id in ending
    assert later.id not in ending


@pytest.fixture
def many(make_tenant: MakeTenant) -> None:
    for _ in range(5):
        subscribe(make_tenant().id)


def test_more_tenants_are_no_more_queries(make_tenant: MakeTenant, request: pytest.FixtureRequest) -> None:
    subscribe(make_tenant().id)
    with CaptureQueriesContext(connection) as few:
        overview()
        tenant_page(Wanted())
    request.getfixturevalue("many")
    with CaptureQueriesContext(connection) as more:
        overview()
        tenant_page(Wanted())
    assert len(more) == len(few)


def test_the_list_finds_by_name_plan_and_access(make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    subscribe(tenant.id)
    assert [row.id for row in tenant_page(Wanted(words=tenant.name, plan="team", access="ok")).rows] == [tenant.id]
    assert tenant_page(Wanted(words=tenant.name, plan="free")).rows == []
    assert tenant_page(Wanted(words=tenant.name, plan="business")).rows == []
    assert tenant_page(Wanted(words=tenant.name, access="grace")).rows == []


@pytest.mark.parametrize("sort", ["name", "since", "state", "payment", "seats", "nonsense"])
def test_the_list_sorts(make_tenant: MakeTenant, sort: str) -> None:
    tenant = make_tenant()
    invoice(tenant.id)
    (row,) = tenant_page(Wanted(words=tenant.name, sort=sort)).rows
    assert (row.last_paid, row.seats_used, row.plan) == (75_00, 1, "Free")
