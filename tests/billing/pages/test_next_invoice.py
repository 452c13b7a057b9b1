"""The next invoice: Stripe's preview, our own arithmetic and the page say the same."""

from datetime import timedelta

import pytest

from billing.clock import now
from billing.gateway import gateway
from billing.gateway.shapes import UsageReport
from billing.metering import record
from billing.models import BillingAccount, Meter, StripeMeter, Subscription
from billing.selectors.bill import Bill, bill_of
from billing.selectors.forecast import forecast, our_reading, projected_use
from billing.selectors.tenancy import account_of
from tenants.context import in_tenant
from tests.billing.buyer import Buyer
from tests.billing.pages.conftest import House, text_of
from tests.support.money import paying
from tests.support.stripe import Sandbox
from tests.support.usage import id_at


def say(house: House, count: int) -> None:
    """So many messages, just now."""
    with in_tenant(house.tenant):
        record(Meter.MESSAGE, [id_at(now()) for _ in range(count)], occurred_at=now())


def bill(house: House) -> Bill:
    return bill_of(account_of(house.tenant.id))


@pytest.fixture
def buyer(sandbox: Sandbox, house: House) -> Buyer:
    return Buyer(sandbox, house.tenant)


def test_check_8_preview_forecast_and_page_all_show_76_20(buyer: Buyer, house: House) -> None:
    """5 seats at $15.00, and 1,300 messages with 1,000 included at 0.4 cent."""
    live = buyer.buy()
    say(house, 1_300)
    event, customer = StripeMeter.objects.get(meter=Meter.MESSAGE).event_name, str(buyer.account.stripe_customer_id)
    gateway().send_usage(
        UsageReport(event_name=event, customer=customer, value=1_300, identifier=f"{house.tenant.id}:8", event_time=now())
    )
    assert gateway().preview(customer=customer, subscription=live.stripe_id).total == 76_20
    found = forecast(house.tenant.id)
    assert found is not None
    assert (found.so_far, found.is_stripes) == (76_20, True)
    here = bill(house)
    assert here.subscription is not None
    assert our_reading(here, here.subscription).total == 76_20
    page = text_of(house.get())
    assert "$76.20" in page
    assert "Stripe&#x27;s own preview" in page or "Stripe's own preview" in page


def test_without_an_answer_of_stripes_our_own_count_is_shown(buyer: Buyer, house: House, sandbox: Sandbox) -> None:
    buyer.buy()
    say(house, 1_300)
    sandbox.fail("cut", times=None)
    page = text_of(house.get())
    assert "$76.20" in page
    assert "Counted by us" in page


def test_nobody_is_promised_an_invoice_without_a_plan(house: House) -> None:
    say(house, 3)
    assert forecast(house.tenant.id) is None
    assert "Next invoice" not in text_of(house.get())


def test_a_paused_plan_makes_none(house: House) -> None:
    paying(house.tenant)
    assert forecast(house.tenant.id) is not None
    Subscription.for_tenant(house.tenant.id).update(status="paused")
    assert forecast(house.tenant.id) is None


def test_seats_by_the_year_are_on_it_only_when_they_renew(house: House) -> None:
    live = paying(house.tenant)
    Subscription.for_tenant(house.tenant.id).update(interval="year", seat_period_end=live.period_end)
    assert forecast(house.tenant.id).so_far == 5 * 150_00  # type: ignore[union-attr]
    Subscription.for_tenant(house.tenant.id).update(seat_period_end=live.period_end + timedelta(days=300))
    assert forecast(house.tenant.id).so_far == 0  # type: ignore[union-attr]


def test_a_discount_is_taken_off_both_numbers(house: House) -> None:
    paying(house.tenant)
    Subscription.for_tenant(house.tenant.id).update(percent_off=50, coupon="Friends")
    found = forecast(house.tenant.id)
    assert found is not None
    assert found.so_far == 37_50
    assert [line.words for line in found.lines] == ["5 seats of Team", "Discount: Friends"]


def test_the_projection_goes_on_as_the_last_fourteen_days_went(house: House) -> None:
    """20 messages a day for ten days, and twenty days to come."""
    begun = now() - timedelta(days=10)
    BillingAccount.objects.filter(pk=house.tenant.id).update(created_at=begun, anchor=begun)
    with in_tenant(house.tenant):
        for day in range(10):
            moment = begun + timedelta(days=day, hours=1)
            record(Meter.MESSAGE, [id_at(moment) for _ in range(20)], occurred_at=moment)
    here = bill(house)
    days = (here.period.end - begun) / timedelta(days=1)
    assert here.used[Meter.MESSAGE] == 200
    assert projected_use(here.account, here.period, here.used)[Meter.MESSAGE] == pytest.approx(20 * days, abs=1)
