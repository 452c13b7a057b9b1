"""Subscribing on Stripe's page: only what Stripe says afterwards makes the plan."""

import pytest
from pytest_django import Settings

from billing.gateway.errors import Away, NotConfigured
from billing.models import BillingAudit, PlanMove, PlanPrice, SeatEntry, StripeCommand
from billing.plans import TRIAL
from billing.selectors.plans import plan_of, seats
from billing.services.stripe.checkout import confirmed
from billing.services.stripe.working import find_new
from saas.core.errors import BadFrame, Conflict, NotFound
from tests.billing.buyer import DECLINED, Buyer, page
from tests.support.cast import MakeTenant
from tests.support.money import paying
from tests.support.stripe import Sandbox

pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture
def buyer(sandbox: Sandbox, make_tenant: MakeTenant) -> Buyer:
    return Buyer(sandbox, make_tenant())


def test_who_pays_has_the_plan(buyer: Buyer) -> None:
    live = buyer.buy()
    assert (live.plan.key, live.seats, live.status, live.interval) == ("team", 5, "active", "month")
    assert seats(buyer.id).bought == 5
    assert plan_of(buyer.id).key == "team"
    (invoice,) = buyer.invoices()
    assert invoice["total"] == 5 * 15_00
    move = PlanMove.for_tenant(buyer.id).get()
    assert (move.kind, move.before, move.after) == ("new", 0, 5 * 15_00)


def test_nothing_holds_before_stripe_says_so(buyer: Buyer) -> None:
    address = buyer.order()
    assert not confirmed(buyer.id)
    assert plan_of(buyer.id).is_free
    assert not SeatEntry.for_tenant(buyer.id).exists()
    buyer.pay(address)
    assert confirmed(buyer.id)


def test_a_declined_card_buys_nothing(buyer: Buyer) -> None:
    address = buyer.order()
    assert b"declined" in page(address, do="pay", card=DECLINED, email="ada@acme.example")
    assert not confirmed(buyer.id)
    buyer.pay(address)
    assert confirmed(buyer.id)


def test_a_second_page_takes_the_place_of_the_first(buyer: Buyer) -> None:
    first, second = buyer.order(), buyer.order(seats=6)
    assert b"expired" in page(first)
    buyer.pay(second)
    assert confirmed(buyer.id)
    assert buyer.live.seats == 6
    with pytest.raises(Conflict, match="has a plan"):
        buyer.order()


def test_a_year_is_paid_at_once_and_meters_go_by_the_month(buyer: Buyer) -> None:
    live = buyer.buy(interval="year")
    assert buyer.invoices()[0]["total"] == 5 * 150_00
    assert (live.seat_period_end - live.seat_period_start).days in {365, 366}
    assert (live.period_end - live.period_start).days in {28, 29, 30, 31}


def test_a_trial_needs_no_card_and_is_given_once(buyer: Buyer) -> None:
    live = buyer.buy(trial=True)
    assert (live.status, live.trial_end) == ("trialing", live.created_at + TRIAL)
    assert sum(row["total"] for row in buyer.invoices()) == 0
    assert buyer.account.trial_used_at is not None
    buyer.sandbox.client().v1.subscriptions.cancel(str(live.stripe_id))
    live.status = "canceled"
    live.save()
    with pytest.raises(BadFrame, match="given once") as refusal:
        buyer.order(trial=True)
    assert refusal.value.field == "trial"


def test_a_coupon_and_a_promotion_code_take_off(buyer: Buyer) -> None:
    stripe = buyer.sandbox.client()
    stripe.v1.coupons.create({"id": "HALF", "percent_off": 50, "duration": "forever"})
    stripe.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": "HALF"}, "code": "SPRING"})
    buyer.order(coupon="HALF")
    live = buyer.buy(coupon="SPRING")
    assert buyer.invoices()[0]["total"] == 5 * 15_00 // 2
    assert (live.coupon, int(live.percent_off)) == ("HALF", 50)


def test_a_coupon_that_does_not_exist_is_named(buyer: Buyer) -> None:
    with pytest.raises(BadFrame, match="no coupon 'HALV'") as refusal:
        buyer.order(coupon="HALV")
    assert refusal.value.field == "coupon"
    assert not StripeCommand.for_tenant(buyer.id).exists()


@pytest.mark.parametrize(
    ("wrong", "words", "field"),
    [
        ({"interval": "week"}, "'week' is neither month nor year", "interval"),
        ({"plan_key": "business", "seats": 2}, "2 is too few: Business needs 3", "seats"),
        ({"plan_key": "free"}, "costs nothing", "plan"),
    ],
)
def test_what_cannot_be_bought_is_refused(buyer: Buyer, wrong: dict[str, object], words: str, field: str) -> None:
    with pytest.raises(BadFrame, match=words) as refusal:
        buyer.order(**wrong)
    assert refusal.value.field == field


def test_an_unknown_plan_is_not_found(buyer: Buyer) -> None:
    with pytest.raises(NotFound, match="'gold'"):
        buyer.order(plan_key="gold")


def test_seats_that_are_held_must_be_bought(buyer: Buyer) -> None:
    buyer.hire("Ben")
    with pytest.raises(BadFrame, match="1 is too few: Team needs 2"):
        buyer.order(seats=1)
    assert buyer.order(seats=2)


def test_stripe_away_at_checkout_leaves_nothing_half_done(buyer: Buyer) -> None:
    buyer.sandbox.fail("cut", on="POST /v1/checkout/sessions", times=None)
    with pytest.raises(Away):
        buyer.order()
    command = StripeCommand.for_tenant(buyer.id).get(operation="checkout.start")
    assert command.status == "failed"
    assert plan_of(buyer.id).is_free
    buyer.sandbox.mend()
    buyer.buy()
    again = StripeCommand.for_tenant(buyer.id).get(operation="checkout.start")
    assert (again.key, again.status) == (command.key, "done")


def test_without_a_key_nothing_can_be_bought(buyer: Buyer, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    with pytest.raises(NotConfigured):
        buyer.order()


def test_a_plan_that_was_given_ends_with_one_that_is_paid(buyer: Buyer) -> None:
    given = paying(buyer.tenant)
    given.stripe_id, given.source = None, "comp"
    given.save()
    live = buyer.buy(seats=7)
    given.refresh_from_db()
    assert (given.status, live.seats) == ("canceled", 7)


def test_what_was_asked_is_in_the_audit(buyer: Buyer) -> None:
    buyer.order()
    acts = list(BillingAudit.objects.filter(tenant_id=buyer.id).order_by("at").values_list("action", "actor"))
    assert acts == [("stripe.customer.create", "ada@acme.example"), ("stripe.checkout.start", "ada@acme.example")]


def test_a_subscription_that_nobody_told_us_of_is_found(buyer: Buyer) -> None:
    """Neither webhook nor page came: the nightly job finds it, and leaves alone what is nobody's here."""
    buyer.pay(buyer.order())
    stripe = buyer.sandbox.client()
    stranger = stripe.v1.customers.create({"name": "stranger"}).id
    method = stripe.v1.payment_methods.attach("pm_card_visa", {"customer": stranger}).id
    price = PlanPrice.objects.get(lookup_key="porchlight-team-1-seat-month").stripe_price_id
    stripe.v1.subscriptions.create(
        {"customer": stranger, "items": [{"price": str(price), "quantity": 1}], "default_payment_method": method}
    )
    assert plan_of(buyer.id).is_free
    assert find_new() == 1
    assert plan_of(buyer.id).key == "team"
    assert find_new() == 0
