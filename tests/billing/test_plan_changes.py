"""Another plan: a dearer one now, a cheaper one when what is paid ends; leaving, coming back, resting, and coupons."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from billing.gateway import gateway
from billing.gateway.errors import Declined
from billing.gateway.shapes import UsageReport
from billing.models import Invoice, PlanMove
from billing.selectors.plans import plan_of, seats
from billing.services.stripe.invoices import pay_invoice, pdf_of
from billing.services.stripe.mirror import fetch_invoice, fetch_subscription
from billing.services.stripe.plan_change import (
    apply_coupon,
    cancel,
    change,
    pause,
    preview_change,
    reactivate,
    resume,
)
from billing.services.stripe.scheduling import Planned, planned
from billing.services.stripe.seats import buy_seats, lower_seats_at_renewal, preview_seats
from saas.core.errors import BadFrame, Conflict, NotFound
from tests.billing.buyer import ADA, Buyer
from tests.support.cast import MakeTenant
from tests.support.stripe import Sandbox

DAY = 86_400


@pytest.fixture
def buyer(sandbox: Sandbox, make_tenant: MakeTenant) -> Buyer:
    """Has Team with 5 seats, by the month."""
    found = Buyer(sandbox, make_tenant())
    found.buy()
    return found


def take(buyer: Buyer, plan_key: str, interval: str = "month") -> None:
    change(buyer.id, preview_change(buyer.id, plan_key=plan_key, interval=interval), actor=ADA)


def test_a_dearer_plan_begins_now_for_what_was_shown(buyer: Buyer) -> None:
    buyer.sandbox.advance(10 * DAY)
    preview = preview_change(buyer.id, plan_key="business", interval="month")
    assert preview.is_now
    assert 5 * 24_00 < preview.amount_now < 5 * 39_00
    change(buyer.id, preview, actor=ADA)
    live = buyer.live
    assert (live.plan.key, live.seats) == ("business", 5)
    assert buyer.invoices()[-1]["amount_paid"] == preview.amount_now
    assert abs(live.period_start.timestamp() - buyer.sandbox.now()) < 60
    assert live.items.filter(price__plan__key="business").count() == 4


def test_a_cheaper_plan_begins_when_what_is_paid_ends(sandbox: Sandbox, make_tenant: MakeTenant) -> None:
    buyer = Buyer(sandbox, make_tenant())
    buyer.buy(plan_key="business")
    preview = preview_change(buyer.id, plan_key="team", interval="month")
    assert (preview.is_now, preview.amount_now, preview.renews_at) == (False, 0, buyer.live.seat_period_end)
    change(buyer.id, preview, actor=ADA)
    live = buyer.live
    assert (live.plan.key, live.next_plan and live.next_plan.key) == ("business", "team")
    after = buyer.to_renewal()
    assert (after.plan.key, after.next_plan) == ("team", None)
    assert buyer.invoices()[-1]["total"] == 5 * 15_00
    move = PlanMove.for_tenant(buyer.id).order_by("at").last()
    assert move is not None
    assert (move.kind, move.after) == ("contraction", 5 * 15_00)


def test_from_the_month_to_the_year_at_once_and_back_at_its_end(buyer: Buyer) -> None:
    take(buyer, "team", "year")
    assert (buyer.live.interval, buyer.live.plan.key) == ("year", "team")
    preview = preview_change(buyer.id, plan_key="team", interval="month")
    assert (preview.is_now, preview.renewal_amount) == (False, 5 * 15_00)


def test_a_plan_needs_its_least_seats(sandbox: Sandbox, make_tenant: MakeTenant) -> None:
    buyer = Buyer(sandbox, make_tenant())
    buyer.buy(seats=1)
    take(buyer, "business")
    assert buyer.live.seats == 3


def test_what_the_change_costs_is_not_more_than_was_shown(buyer: Buyer) -> None:
    buyer.sandbox.advance(DAY)
    preview = preview_change(buyer.id, plan_key="business", interval="month")
    with pytest.raises(Conflict, match="something else by now"):
        change(buyer.id, replace(preview, amount_now=preview.amount_now - 5_00), actor=ADA)
    assert buyer.live.plan.key == "team"


@pytest.mark.parametrize("ahead", [120, 20 * DAY, 10**400], ids=["minutes", "days", "no second"])
def test_a_change_is_not_reckoned_from_a_moment_to_come(buyer: Buyer, ahead: int) -> None:
    preview = preview_change(buyer.id, plan_key="business", interval="month")
    with pytest.raises(Conflict, match="still to come"):
        change(buyer.id, replace(preview, proration_date=preview.proration_date + ahead), actor=ADA)
    assert buyer.live.plan.key == "team"


def test_a_declined_card_changes_no_plan(buyer: Buyer) -> None:
    buyer.fails()
    preview = preview_change(buyer.id, plan_key="business", interval="month")
    with pytest.raises(Declined):
        change(buyer.id, preview, actor=ADA)
    assert fetch_subscription(str(buyer.live.stripe_id)).plan.key == "team"


@pytest.mark.parametrize(("plan_key", "error"), [("free", BadFrame), ("team", Conflict), ("gold", NotFound)])
def test_what_is_no_change_is_refused(buyer: Buyer, plan_key: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        preview_change(buyer.id, plan_key=plan_key, interval="month")


def test_a_trial_changes_its_plan_without_a_charge(sandbox: Sandbox, make_tenant: MakeTenant) -> None:
    buyer = Buyer(sandbox, make_tenant())
    ends = buyer.buy(trial=True).trial_end
    take(buyer, "business")
    assert (buyer.live.plan.key, buyer.live.status, buyer.live.trial_end) == ("business", "trialing", ends)
    assert sum(row["total"] for row in buyer.invoices()) == 0


def test_who_cancels_keeps_what_is_paid(buyer: Buyer) -> None:
    cancel(buyer.id, actor=ADA)
    live = buyer.live
    assert (live.status, live.cancel_at) == ("active", live.seat_period_end)
    with pytest.raises(Conflict, match="already"):
        cancel(buyer.id, actor=ADA)
    assert buyer.to_renewal().status == "canceled"
    assert plan_of(buyer.id).is_free
    assert seats(buyer.id).bought == 2
    assert PlanMove.for_tenant(buyer.id).filter(kind="churn").exists()


def test_a_cancellation_can_be_taken_back(buyer: Buyer) -> None:
    with pytest.raises(Conflict, match="not cancelled"):
        reactivate(buyer.id, actor=ADA)
    cancel(buyer.id, actor=ADA)
    reactivate(buyer.id, actor=ADA)
    assert buyer.live.cancel_at is None
    assert buyer.to_renewal().status == "active"


def test_cancelling_lets_go_of_what_was_to_come(buyer: Buyer) -> None:
    lower_seats_at_renewal(buyer.id, 3, actor=ADA)
    cancel(buyer.id, actor=ADA)
    assert (buyer.live.schedule_id, seats(buyer.id).next) == ("", 5)


def test_a_paused_plan_makes_no_invoices_until_it_is_resumed(buyer: Buyer) -> None:
    pause(buyer.id, actor=ADA)
    assert buyer.live.status == "paused"
    before = len(buyer.invoices())
    buyer.sandbox.advance(40 * DAY)
    assert len(buyer.invoices()) == before
    resume(buyer.id, actor=ADA)
    assert buyer.live.status == "active"
    assert len(buyer.invoices()) == before + 1
    with pytest.raises(Conflict, match="not paused"):
        resume(buyer.id, actor=ADA)


def test_a_pause_bills_what_was_used_at_once(buyer: Buyer) -> None:
    """Who pauses may never come back."""
    live, customer = buyer.live, str(buyer.account.stripe_customer_id)
    moment = live.period_start + timedelta(seconds=1)
    gateway().send_usage(UsageReport("porchlight_message", customer, 100_000, f"{buyer.id}:message:0", moment))
    buyer.sandbox.advance(60)
    before = len(buyer.invoices())
    pause(buyer.id, actor=ADA)
    assert len(buyer.invoices()) == before + 1
    made = buyer.invoices()[-1]
    assert made["status"] == "paid"
    assert 99_000 * 4 // 10 - 5 * 15_00 <= made["amount_paid"] < 99_000 * 4 // 10


def test_a_pause_that_cannot_be_paid_is_owed(buyer: Buyer) -> None:
    live, customer = buyer.live, str(buyer.account.stripe_customer_id)
    moment = live.period_start + timedelta(seconds=1)
    gateway().send_usage(UsageReport("porchlight_message", customer, 100_000, f"{buyer.id}:message:0", moment))
    buyer.sandbox.advance(60)
    buyer.fails()
    pause(buyer.id, actor=ADA)
    fetch_invoice(buyer.invoices()[-1]["id"])
    assert buyer.account.failing_since is not None
    assert (buyer.account.access_state, buyer.account.access_reason) == ("restricted", "unpaid")


def test_what_waits_for_the_renewal_keeps_a_plan_from_pausing(buyer: Buyer) -> None:
    lower_seats_at_renewal(buyer.id, 3, actor=ADA)
    with pytest.raises(Conflict, match="take that back first"):
        pause(buyer.id, actor=ADA)
    buyer.to_renewal()
    pause(buyer.id, actor=ADA)
    assert buyer.live.status == "paused"


def test_a_coupon_holds_from_the_next_invoice_on(buyer: Buyer) -> None:
    buyer.sandbox.client().v1.coupons.create({"id": "HALF", "percent_off": 50, "duration": "forever"})
    with pytest.raises(BadFrame, match="no coupon 'HALV'"):
        apply_coupon(buyer.id, "HALV", actor=ADA)
    apply_coupon(buyer.id, "HALF", actor=ADA)
    assert buyer.live.percent_off == 50
    buyer.to_renewal()
    assert buyer.invoices()[-1]["total"] == 5 * 15_00 // 2


def test_an_invoice_that_failed_can_be_paid(buyer: Buyer) -> None:
    buyer.fails()
    buyer.to_renewal()
    failed = fetch_invoice(buyer.invoices()[-1]["id"])
    assert (failed.status, failed.decline_reason != "") == ("open", True)
    with pytest.raises(Declined):
        pay_invoice(buyer.id, failed, actor=ADA)
    stripe, customer = buyer.sandbox.client(), str(buyer.account.stripe_customer_id)
    method = stripe.v1.payment_methods.attach("pm_card_visa", {"customer": customer}).id
    stripe.v1.subscriptions.update(str(buyer.live.stripe_id), {"default_payment_method": method})
    pay_invoice(buyer.id, failed, actor=ADA)
    failed.refresh_from_db()
    assert (failed.status, failed.amount_remaining) == ("paid", 0)
    assert buyer.live.status == "active"
    with pytest.raises(Conflict, match="nothing to pay"):
        pay_invoice(buyer.id, failed, actor=ADA)


def test_an_invoice_of_somebody_else_is_not_found(buyer: Buyer, make_tenant: MakeTenant) -> None:
    invoice = fetch_invoice(buyer.invoices()[-1]["id"])
    with pytest.raises(NotFound):
        pay_invoice(make_tenant().id, invoice, actor=ADA)
    assert pdf_of(invoice).startswith(buyer.sandbox.access.public)


def test_the_arithmetic_of_the_research_comes_out_in_preview_and_invoice(buyer: Buyer) -> None:
    """Acceptance 8, Stripe's side: 5 seats at 15.00 and 1,300 messages with 1,000 included at 0.4 cent are 76.20."""
    live = buyer.live
    customer = str(buyer.account.stripe_customer_id)
    report = UsageReport("porchlight_message", customer, 1_300, f"{buyer.id}:message:0", live.period_start + timedelta(seconds=1))
    gateway().send_usage(report)
    preview = gateway().preview(customer=customer, subscription=live.stripe_id)
    assert preview.total == 76_20
    buyer.to_renewal()
    invoice = fetch_invoice(buyer.invoices()[-1]["id"])
    assert (invoice.total, invoice.reason) == (76_20, "subscription_cycle")
    assert Invoice.for_tenant(buyer.id).count() == 1


def test_a_change_of_interval_that_waits_survives_more_seats(sandbox: Sandbox, make_tenant: MakeTenant) -> None:
    buyer = Buyer(sandbox, make_tenant())
    buyer.buy(interval="year")
    take(buyer, "team", "month")
    buy_seats(buyer.id, preview_seats(buyer.id, 7), actor=ADA)
    assert planned(buyer.live) == Planned(buyer.live.plan, "month", 7)
    lower_seats_at_renewal(buyer.id, 6, actor=ADA)
    assert planned(buyer.live) == Planned(buyer.live.plan, "month", 6)
    with pytest.raises(Conflict, match="take that back first"):
        pause(buyer.id, actor=ADA)


def test_what_waits_still_comes_if_the_bank_declines_something_else(buyer: Buyer) -> None:
    lower_seats_at_renewal(buyer.id, 3, actor=ADA)
    buyer.fails()
    asked: list[Callable[[], None]] = [
        lambda: buy_seats(buyer.id, preview_seats(buyer.id, 7), actor=ADA),
        lambda: take(buyer, "business"),
    ]
    for ask in asked:
        buyer.sandbox.advance(DAY)
        with pytest.raises(Declined):
            ask()
        fetch_subscription(str(buyer.live.stripe_id))
        assert buyer.live.schedule_id
        assert planned(buyer.live) == Planned(buyer.live.plan, "month", 3)
    assert buyer.to_renewal().seats == 3
