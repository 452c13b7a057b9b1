"""Plans: the table, its copy in rows and in Stripe, and that nothing changes under those who have one."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from billing.gateway import gateway
from billing.gateway.errors import Away
from billing.models import Meter, PlanPrice, PlanVersion, StripeMeter
from billing.plans import PLANS, TEAM, Allowance, Plan
from billing.services import plans
from billing.services.plans import PlanInUse, use, version_of, write_plans
from billing.services.price_list import check_plans, sync_plans
from billing.terms import terms
from saas.core.errors import NotFound
from tests.support.stripe import Sandbox

Sell = Callable[[Plan], Plan]


@pytest.fixture
def sell(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sell]:
    """Put a plan into the table; it is gone again after the test."""

    def put(plan: Plan) -> Plan:
        monkeypatch.setattr(plans, "PLANS", (*PLANS, plan))
        return plan

    yield put
    monkeypatch.undo()
    write_plans()


@pytest.fixture
def gold() -> Plan:
    """A plan that no other test knows."""
    return replace(TEAM, key=f"gold{uuid4().hex[:10]}", name="Gold")


def prices_of(plan: Plan) -> dict[str, PlanPrice]:
    found = PlanPrice.objects.filter(plan__key=plan.key, plan__version=plan.version)
    return {price.lookup_key.removeprefix(f"porchlight-{plan.key}-{plan.version}-"): price for price in found}


def test_rows_hold_what_the_table_says() -> None:
    write_plans()
    assert [terms(version_of(plan.key)) for plan in PLANS] == list(PLANS)
    amounts = {name: (price.unit_amount, price.included) for name, price in prices_of(TEAM).items()}
    assert amounts == {
        "seat-month": (1500, 0),
        "seat-year": (15000, 0),
        "message": (Decimal("0.4"), 1_000),
        "visitor": (1, 2_000),
        "storage": (Decimal("0.002"), 150_000),
    }


def test_a_plan_that_costs_nothing_has_no_prices() -> None:
    write_plans()
    assert not PlanPrice.objects.filter(plan__key="free").exists()


def test_a_plan_that_is_not_sold_is_not_found() -> None:
    with pytest.raises(NotFound, match="'platinum'"):
        version_of("platinum")


def test_a_plan_that_nobody_has_may_be_edited(gold: Plan, sell: Sell) -> None:
    sell(gold)
    write_plans()
    dearer = sell(replace(gold, seat=16_00))
    write_plans()
    assert terms(version_of(gold.key)) == dearer
    assert prices_of(gold)["seat-month"].unit_amount == 1600


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seat": 16_00}, "seat is 1500 for those who have it, and 1600 in billing/plans.py"),
        ({"sites": 4}, "sites is 5 for those who have it, and 4 in"),
        ({"meters": {**TEAM.meters, Meter.MESSAGE: Allowance(900, Decimal("0.4"))}}, "meters.message.included is 1000 for those"),
    ],
)
def test_a_plan_that_somebody_has_may_not(change: dict[str, Any], said: str, gold: Plan, sell: Sell) -> None:
    sell(gold)
    write_plans()
    use(version_of(gold.key))
    sell(replace(gold, **change))
    with pytest.raises(PlanInUse, match=f"Plan {gold.key}, version 1, is in use.*{said}.*version 2"):
        write_plans()
    assert terms(version_of(gold.key)) == gold


def test_its_next_version_is_sold_instead_and_the_old_one_stays(gold: Plan, sell: Sell) -> None:
    sell(gold)
    write_plans()
    use(first := version_of(gold.key))
    dearer = sell(replace(gold, version=2, seat=16_00))
    write_plans()
    assert terms(version_of(gold.key)) == dearer
    assert terms(PlanVersion.objects.get(id=first.id)) == gold
    assert [prices_of(plan)["seat-month"].unit_amount for plan in (gold, dearer)] == [1500, 1600]


def test_what_leaves_the_table_is_not_sold_any_more(gold: Plan, sell: Sell, monkeypatch: pytest.MonkeyPatch) -> None:
    sell(gold)
    write_plans()
    monkeypatch.setattr(plans, "PLANS", PLANS)
    write_plans()
    with pytest.raises(NotFound):
        version_of(gold.key)
    assert PlanVersion.objects.filter(key=gold.key).exists()


def test_the_first_use_is_remembered(gold: Plan, sell: Sell) -> None:
    sell(gold)
    write_plans()
    use(version_of(gold.key))
    first = version_of(gold.key).used_since
    use(version_of(gold.key))
    assert version_of(gold.key).used_since == first is not None


class TestInStripe:
    def test_everything_is_made_once(self, sandbox: Sandbox) -> None:
        done = sync_plans(gateway())
        assert {"meter porchlight_message", "price porchlight-team-1-message", "price porchlight-business-1-seat-year"} <= set(
            done
        )
        assert sync_plans(gateway()) == []
        assert len(sandbox.client().v1.prices.list({"limit": 100}).data) == 10
        assert {meter.event_name for meter in gateway().meters()} == set(StripeMeter.objects.values_list("event_name", flat=True))

    def test_a_metered_price_is_graduated_from_its_allowance(self, sandbox: Sandbox) -> None:
        sync_plans(gateway())
        price = sandbox.client().v1.prices.list({"lookup_keys": ["porchlight-team-1-message"], "expand": ["data.tiers"]}).data[0]
        assert price.recurring is not None
        assert price.recurring.meter == StripeMeter.objects.get(meter=Meter.MESSAGE).stripe_meter_id
        assert (price.recurring.usage_type, price.recurring.interval, price.tiers_mode) == ("metered", "month", "graduated")
        assert [(tier.up_to, tier.unit_amount_decimal) for tier in price.tiers or []] == [(1000, 0), (None, Decimal("0.4"))]
        assert price.id == prices_of(TEAM)["message"].stripe_price_id

    def test_another_stripe_gets_everything_anew(self, sandbox: Sandbox) -> None:
        sync_plans(gateway())
        before = prices_of(TEAM)["seat-month"].stripe_price_id
        sandbox.reset()
        assert len(sync_plans(gateway())) == 13
        assert prices_of(TEAM)["seat-month"].stripe_price_id != before

    def test_rows_that_are_gone_find_what_is_there(self, sandbox: Sandbox) -> None:
        sync_plans(gateway())
        price, meter = prices_of(TEAM)["message"], StripeMeter.objects.get(meter=Meter.MESSAGE)
        PlanPrice.objects.filter(id=price.id).update(stripe_price_id=None)
        meter.delete()
        assert sync_plans(gateway()) == []
        assert prices_of(TEAM)["message"].stripe_price_id == price.stripe_price_id
        assert StripeMeter.objects.get(meter=Meter.MESSAGE).stripe_meter_id == meter.stripe_meter_id

    def test_what_was_cut_off_goes_on(self, sandbox: Sandbox) -> None:
        sandbox.fail("cut_after", "POST /v1/prices", times=None, skip=4)
        with pytest.raises(Away):
            sync_plans(gateway())
        sandbox.mend()
        assert sync_plans(gateway())
        assert len(sandbox.client().v1.prices.list({"limit": 100}).data) == 10
        assert check_plans(gateway()) == []

    def test_a_new_price_takes_the_key_of_one_that_nobody_pays(self, gold: Plan, sell: Sell, sandbox: Sandbox) -> None:
        sell(gold)
        sync_plans(gateway())
        sell(replace(gold, seat=16_00))
        key = f"porchlight-{gold.key}-1-seat-month"
        assert sync_plans(gateway()) == [f"plan {gold.key} 1: seat", f"price {key}"]
        (found,) = gateway().prices(lookup_keys=[key])
        assert found.unit_amount == 1600
        assert found.id == prices_of(gold)["seat-month"].stripe_price_id

    def test_a_price_that_somebody_changed_at_stripe_is_named(self, gold: Plan, sell: Sell, sandbox: Sandbox) -> None:
        sell(gold)
        sync_plans(gateway())
        use(version_of(gold.key))
        key = f"porchlight-{gold.key}-1-seat-month"
        (theirs,) = gateway().prices(lookup_keys=[key])
        asked: dict[str, Any] = {"product": theirs.product, "lookup_key": key, "unit_amount": Decimal(1700), "key": uuid4().hex}
        gateway().create_price(**asked, currency="usd", interval="month", included=0, meter=None)
        with pytest.raises(PlanInUse, match=f"{key} in Stripe .*unit_amount is 1700 there and 1500 here"):
            sync_plans(gateway())


class TestCommand:
    def test_check_says_what_is_missing_and_makes_nothing(self, gold: Plan, sell: Sell, sandbox: Sandbox) -> None:
        sell(gold)
        said = StringIO()
        with pytest.raises(CommandError, match="without --check"):
            call_command("sync_plans", "--check", stdout=said)
        assert f"plan {gold.key} 1: new" in said.getvalue()
        assert f"price porchlight-{gold.key}-1-visitor" in said.getvalue()
        assert not PlanVersion.objects.filter(key=gold.key).exists()
        assert gateway().meters() == []
        call_command("sync_plans", stdout=StringIO())
        call_command("sync_plans", "--check", stdout=said)
        assert "Plans and prices are as they should be." in said.getvalue()

    def test_a_refusal_is_said_in_words(self, gold: Plan, sell: Sell, sandbox: Sandbox) -> None:
        sell(gold)
        call_command("sync_plans", stdout=StringIO())
        use(version_of(gold.key))
        sell(replace(gold, seat=1))
        with pytest.raises(CommandError, match=f"Plan {gold.key}, version 1, is in use"):
            call_command("sync_plans", stdout=StringIO())

    @override_settings(STRIPE_SECRET_KEY="")
    def test_without_stripe_the_rows_are_written(self, gold: Plan, sell: Sell) -> None:
        sell(gold)
        said = StringIO()
        call_command("sync_plans", stdout=StringIO(), stderr=said)
        assert "STRIPE_SECRET_KEY is empty: the plans are in the tables only." in said.getvalue()
        assert terms(version_of(gold.key)) == gold
