"""Subscriptions of the stand-in: seats, plans, prorations, pauses, trials and ends."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
import stripe

from tests.billing.sandbox.desk import BUSINESS, DAY, HOUR, TEAM, Desk, end, lines


def share(amount: int, sub: stripe.Subscription, at: int) -> int:
    """What is left of an amount for the first item's period, by the second."""
    item = sub["items"].data[0]
    left = Decimal(amount * (item.current_period_end - at)) / (item.current_period_end - item.current_period_start)
    return int(left.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def seats(sub: stripe.Subscription, quantity: int) -> list[dict[str, object]]:
    return [{"id": sub["items"].data[0].id, "quantity": quantity}]


def test_more_seats_cost_at_once_exactly_what_the_preview_said(paying: Desk) -> None:
    sub = paying.subscribe(seats=5)
    paying.sandbox.advance(11 * DAY + 12_345)
    at = paying.sandbox.now()
    change = {"items": seats(sub, 8), "proration_behavior": "always_invoice", "proration_date": at}
    previewed = paying.preview(sub, **change)
    paying.sandbox.advance(90)  # somebody thinks before pressing the button

    bought = paying.update(sub, **change)

    invoice = paying.stripe.v1.invoices.retrieve(str(bought.latest_invoice))
    assert lines(invoice) == lines(previewed)
    assert (invoice.status, invoice.amount_paid) == ("paid", previewed.total)
    assert previewed.total == share(8 * TEAM, sub, at) - share(5 * TEAM, sub, at)
    assert invoice.billing_reason == "subscription_update"
    assert all(line["parent"]["subscription_item_details"]["proration"] for line in invoice.lines.data)
    assert paying.preview(sub).total == 8 * TEAM


def test_more_seats_with_the_next_invoice_wait_for_it(paying: Desk) -> None:
    sub = paying.subscribe(seats=5)
    paying.sandbox.advance(10 * DAY)
    paying.update(sub, items=seats(sub, 6))
    at = paying.sandbox.state("invoiceitem")[0]["period"]["start"]
    due = 6 * TEAM + share(6 * TEAM, sub, at) - share(5 * TEAM, sub, at)
    assert (len(paying.invoices()), paying.preview(sub).total) == (1, due)
    paying.sandbox.advance_to(end(sub) + HOUR)
    assert paying.invoices()[-1].amount_paid == due
    assert paying.preview(sub).total == 6 * TEAM


def test_fewer_seats_without_proration_change_the_renewal_only(paying: Desk) -> None:
    sub = paying.subscribe(seats=5)
    paying.update(sub, items=seats(sub, 3), proration_behavior="none")
    assert len(paying.invoices()) == 1
    paying.sandbox.advance_to(end(sub) + HOUR)
    assert paying.invoices()[-1].total == 3 * TEAM


def test_fewer_seats_invoiced_at_once_become_credit(paying: Desk) -> None:
    sub = paying.subscribe(seats=5)
    at = paying.sandbox.now()
    paying.update(sub, items=seats(sub, 3), proration_behavior="always_invoice", proration_date=at)
    invoice = paying.invoices()[-1]
    assert (invoice.status, invoice.amount_due, invoice.total) == ("paid", 0, share(3 * TEAM, sub, at) - share(5 * TEAM, sub, at))
    assert paying.stripe.v1.customers.retrieve(paying.customer).balance == invoice.total


def test_a_proration_date_outside_the_period_is_refused(paying: Desk) -> None:
    sub = paying.subscribe()
    with pytest.raises(stripe.InvalidRequestError, match="must be within the current period"):
        paying.preview(sub, items=seats(sub, 8), proration_date=end(sub) + 1)


def test_the_number_of_a_metered_item_is_refused(paying: Desk) -> None:
    asked: Any = {"customer": paying.customer, "items": [{"price": paying.messages, "quantity": 5}]}
    with pytest.raises(stripe.InvalidRequestError, match="Quantity should not be specified where usage_type is `metered`"):
        paying.stripe.v1.subscriptions.create(asked)


def test_an_upgrade_now_bills_usage_so_far_and_begins_a_new_period(paying: Desk) -> None:
    sub = paying.subscribe(seats=5)
    paying.use(1_300)
    paying.sandbox.advance(10 * DAY)
    at = paying.sandbox.now()
    items = [{"id": sub["items"].data[0].id, "price": paying.business, "quantity": 5}]
    change = {"items": items, "billing_cycle_anchor": {"type": "now"}, "proration_date": at}
    previewed = paying.preview(sub, **change)
    assert previewed.total == 5 * BUSINESS + 120 - share(5 * TEAM, sub, at)

    upgraded = paying.update(sub, **change)

    assert paying.invoices()[-1].amount_paid == previewed.total
    starts = {item.current_period_start for item in upgraded["items"].data}
    assert starts == {upgraded.billing_cycle_anchor}
    assert paying.preview(sub).total == 5 * BUSINESS


def test_a_change_to_a_yearly_price_begins_a_new_period(paying: Desk) -> None:
    sub = paying.subscribe(seats=5)
    at = paying.sandbox.now()
    paying.update(sub, items=[{"id": sub["items"].data[0].id, "price": paying.team_year}], proration_date=at)
    assert paying.invoices()[-1].total == 50 * TEAM - share(5 * TEAM, sub, at)


def test_yearly_seats_and_monthly_usage_are_invoiced_when_each_is_due(paying: Desk) -> None:
    items = [{"price": paying.team_year, "quantity": 2}, {"price": paying.messages}]
    sub = paying.subscribe(items=items)
    assert paying.invoices()[-1].total == 20 * TEAM
    year, month = (item.current_period_end for item in sub["items"].data)
    paying.use(1_300)
    paying.sandbox.advance_to(month + HOUR)
    assert paying.invoices()[-1].total == 120
    paying.sandbox.advance_to(year + HOUR)
    assert [invoice.total for invoice in paying.invoices()] == [20 * TEAM, 120, *[0] * 10, 20 * TEAM]


def test_a_metered_price_that_is_replaced_is_billed_and_the_new_one_starts_from_nothing(paying: Desk) -> None:
    dear = paying.metered_price([{"up_to": "inf", "unit_amount": 1}])
    sub = paying.subscribe(seats=1)
    paying.use(1_300)
    paying.sandbox.advance(DAY)
    paying.update(sub, items=[{"id": sub["items"].data[1].id, "price": dear}])
    paying.use(7, at=paying.sandbox.now())
    assert paying.preview(sub).total == TEAM + 120 + 7


def test_a_removed_metered_item_is_billed_for_its_usage(paying: Desk) -> None:
    sub = paying.subscribe(seats=1)
    paying.use(1_300)
    paying.sandbox.advance(DAY)
    left = paying.update(sub, items=[{"id": sub["items"].data[1].id, "deleted": True}])
    assert len(left["items"].data) == 1
    assert paying.preview(sub).total == TEAM + 120


def test_an_added_seat_item_is_charged_for_what_is_left(paying: Desk) -> None:
    sub = paying.subscribe(seats=1)
    at = paying.sandbox.now()
    new = [{"price": paying.business, "quantity": 1}]
    paying.update(sub, items=new, proration_behavior="always_invoice", proration_date=at)
    assert paying.invoices()[-1].total == share(BUSINESS, sub, at)


def test_an_unpaid_first_invoice_leaves_it_incomplete_until_it_is_paid(desk: Desk) -> None:
    desk.card("pm_card_chargeCustomerFail")
    sub = desk.subscribe()
    assert sub.status == "incomplete"
    desk.card()
    assert desk.stripe.v1.invoices.pay(str(sub.latest_invoice)).status == "paid"
    assert desk.fetch(sub).status == "active"


def test_a_first_payment_that_never_comes_ends_it_after_23_hours(desk: Desk) -> None:
    sub = desk.subscribe()
    desk.sandbox.advance(23 * HOUR)
    assert desk.fetch(sub).status == "incomplete_expired"
    assert desk.invoices()[-1].status == "void"


def test_an_error_instead_of_an_incomplete_one_leaves_nothing(desk: Desk) -> None:
    desk.card("pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError, match="Your card was declined"):
        desk.subscribe(payment_behavior="error_if_incomplete")
    assert desk.sandbox.state("subscription") == []
    assert desk.sandbox.state("invoice") == []


def test_a_seat_that_must_be_paid_at_once_and_is_not_is_not_bought(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.card("pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError, match="Your card was declined"):
        paying.update(sub, items=seats(sub, 9), proration_behavior="always_invoice", payment_behavior="error_if_incomplete")
    assert paying.fetch(sub)["items"].data[0].quantity == 5
    assert paying.sandbox.state("invoiceitem") == []


def test_cancelling_now_ends_it_without_a_bill(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.use(1_300)
    gone = paying.stripe.v1.subscriptions.cancel(sub.id)
    assert (gone.status, gone.ended_at is not None) == ("canceled", True)
    assert len(paying.invoices()) == 1
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
        paying.update(sub, description="again")


def test_cancelling_now_with_a_bill_credits_time_and_charges_usage(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.use(3_000)
    paying.sandbox.advance(10 * DAY)
    paying.stripe.v1.subscriptions.cancel(sub.id, {"invoice_now": True, "prorate": True})
    last = paying.invoices()[-1]
    credit, *_, over = lines(last)
    assert credit[1] == last.total - 800 < 0
    assert over == ("2000 × Messages (Tier 2 at $0.004 / month)", 800)


def test_cancelling_can_be_taken_back(paying: Desk) -> None:
    sub = paying.subscribe()
    ending = paying.update(sub, cancel_at_period_end=True)
    assert (ending.status, ending.cancel_at) == ("active", end(sub))
    assert paying.update(sub, cancel_at_period_end=False).cancel_at is None
    paying.sandbox.advance_to(end(sub) + HOUR)
    assert paying.fetch(sub).status == "active"


def test_a_coupon_holds_for_its_months_and_no_longer(paying: Desk) -> None:
    coupon = paying.stripe.v1.coupons.create({"percent_off": 20, "duration": "repeating", "duration_in_months": 2})
    sub = paying.subscribe(discounts=[{"coupon": coupon.id}])
    paying.sandbox.advance_to(end(sub) + HOUR)
    paying.sandbox.advance_to(end(paying.fetch(sub)) + HOUR)
    assert [invoice.total for invoice in paying.invoices()] == [6_000, 6_000, 7_500]


def test_a_coupon_for_once_comes_off_one_invoice(paying: Desk) -> None:
    coupon = paying.stripe.v1.coupons.create({"amount_off": 500, "currency": "usd", "duration": "once"})
    sub = paying.subscribe()
    paying.update(sub, discounts=[{"coupon": coupon.id}])
    assert paying.preview(sub).total == 7_000
    paying.sandbox.advance_to(end(sub) + HOUR)
    assert paying.invoices()[-1].amount_paid == 7_000
    assert paying.preview(sub).total == 7_500
    assert paying.stripe.v1.coupons.retrieve(coupon.id).times_redeemed == 1


def test_an_unknown_coupon_is_refused(paying: Desk) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such coupon: 'SPRIG'"):
        paying.subscribe(discounts=[{"coupon": "SPRIG"}])


def test_single_items_can_be_added_changed_and_removed(paying: Desk) -> None:
    sub = paying.subscribe(seats=1)
    added = paying.stripe.v1.subscription_items.create(
        {"subscription": sub.id, "price": paying.business, "quantity": 1, "proration_behavior": "none"}
    )
    paying.stripe.v1.subscription_items.update(added.id, {"quantity": 2, "proration_behavior": "none"})
    assert paying.preview(sub).total == TEAM + 2 * BUSINESS
    assert paying.stripe.v1.subscription_items.delete(added.id, {"proration_behavior": "none"}).deleted
    assert [item.price.id for item in paying.fetch(sub)["items"].data] == [paying.team, paying.messages]
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription item"):
        paying.stripe.v1.subscription_items.retrieve(added.id)


def test_a_deleted_customer_has_no_subscription_any_more(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.stripe.v1.customers.delete(paying.customer)
    assert paying.fetch(sub).status == "canceled"
    paying.sandbox.advance(40 * DAY)
    assert len(paying.sandbox.state("invoice")) == 1
