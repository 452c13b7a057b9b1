"""Pausing a subscription of the stand-in, and trials."""

from typing import Any

import pytest
import stripe

from tests.billing.sandbox.desk import DAY, HOUR, TEAM, Desk, end


def test_a_paused_subscription_makes_no_invoices(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.use(1_300)
    paused = paying.stripe.v1.subscriptions.pause(sub.id)
    assert paused.status == "paused"
    assert paused.status_details is not None
    assert paused.status_details.paused.subscription.type == "pause_requested"
    paying.sandbox.advance(100 * DAY)
    assert len(paying.invoices()) == 1
    assert paying.events("customer.subscription.paused") == ["customer.subscription.paused"]


def test_what_was_unused_and_what_was_used_meet_on_the_invoice_of_the_return(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.use(1_300)
    paying.sandbox.advance(60)
    paying.stripe.v1.subscriptions.pause(sub.id)
    waiting = sorted(item["amount"] for item in paying.sandbox.state("invoiceitem"))
    assert (len(waiting), waiting[1]) == (2, 120)
    assert -7_500 <= waiting[0] <= -7_490
    paying.sandbox.advance(50 * DAY)

    resumed = paying.stripe.v1.subscriptions.resume(sub.id)

    assert resumed.status == "active"
    assert resumed["items"].data[0].current_period_start == resumed.billing_cycle_anchor
    assert paying.invoices()[-1].total == 7_500 + sum(waiting)
    assert paying.preview(sub).total == 7_500


def test_a_pause_may_be_invoiced_at_once(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.use(100_000)
    paying.sandbox.advance(60)
    paying.stripe.v1.subscriptions.pause(sub.id, {"invoicing_behavior": "invoice"})
    made = paying.invoices()[-1]
    credit, usage = sorted(line.amount for line in made.lines.data)
    assert (usage, made.status) == (99_000 * 4 // 10, "paid")
    assert -7_500 <= credit <= -7_490
    assert made.amount_paid == usage + credit
    assert all(item["invoice"] == made.id for item in paying.sandbox.state("invoiceitem"))


def test_a_pause_that_owes_more_than_it_costs_leaves_it_on_the_balance(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.sandbox.advance(60)
    paying.stripe.v1.subscriptions.pause(sub.id, {"invoicing_behavior": "invoice"})
    made = paying.invoices()[-1]
    assert (made.status, made.amount_paid) == ("paid", 0)
    assert -7_500 <= made.total <= -7_490
    paying.stripe.v1.subscriptions.resume(sub.id)
    assert paying.invoices()[-1].amount_paid == 7_500 + made.total


def test_a_pause_without_credit_gives_none(paying: Desk) -> None:
    sub = paying.subscribe()
    none: Any = {"unused_time_from": {"type": "none"}, "outstanding_usage_through": {"type": "none"}}
    paying.stripe.v1.subscriptions.pause(sub.id, {"bill_for": none})
    assert paying.sandbox.state("invoiceitem") == []


def test_resuming_in_the_old_rhythm_charges_what_is_left(paying: Desk) -> None:
    sub = paying.subscribe()
    none: Any = {"unused_time_from": {"type": "none"}, "outstanding_usage_through": {"type": "none"}}
    paying.stripe.v1.subscriptions.pause(sub.id, {"bill_for": none})
    paying.sandbox.advance(40 * DAY)
    asked: Any = {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": "always_invoice"}
    resumed = paying.stripe.v1.subscriptions.resume(sub.id, asked)
    assert resumed.billing_cycle_anchor == sub.billing_cycle_anchor
    assert 0 < paying.invoices()[-1].total < 7_500
    assert end(resumed) > paying.sandbox.now()


def test_a_subscription_that_a_schedule_leads_cannot_be_paused(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.stripe.v1.subscription_schedules.create({"from_subscription": sub.id})
    with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription schedule"):
        paying.stripe.v1.subscriptions.pause(sub.id)


def test_one_that_is_not_paused_cannot_be_resumed(paying: Desk) -> None:
    sub = paying.subscribe()
    with pytest.raises(stripe.InvalidRequestError, match="Only a paused subscription can be resumed; this one is active"):
        paying.stripe.v1.subscriptions.resume(sub.id)


def test_a_trial_costs_nothing_and_then_the_first_period_is_charged(paying: Desk) -> None:
    sub = paying.subscribe(trial_period_days=14)
    assert (sub.status, end(sub)) == ("trialing", sub.trial_end)
    assert [(invoice.status, invoice.total) for invoice in paying.invoices()] == [("paid", 0)]
    paying.use(9_000)
    assert paying.preview(sub).total == 5 * TEAM
    assert sub.trial_end is not None
    paying.sandbox.advance_to(sub.trial_end + HOUR)

    begun = paying.fetch(sub)
    assert (begun.status, begun["items"].data[0].current_period_start) == ("active", sub.trial_end)
    assert paying.invoices()[-1].amount_paid == 5 * TEAM


def test_the_end_of_a_trial_is_announced_three_days_before_it(paying: Desk) -> None:
    paying.subscribe(trial_period_days=14)
    paying.sandbox.advance(11 * DAY - 60)
    assert paying.events("customer.subscription.trial") == []
    paying.sandbox.advance(60)
    assert paying.events("customer.subscription.trial") == ["customer.subscription.trial_will_end"]


@pytest.mark.parametrize(("behaviour", "status"), [("cancel", "canceled"), ("pause", "paused"), ("create_invoice", "past_due")])
def test_a_trial_that_ends_without_a_card_does_what_was_said(desk: Desk, behaviour: str, status: str) -> None:
    settings = {"end_behavior": {"missing_payment_method": behaviour}}
    sub = desk.subscribe(trial_period_days=14, trial_settings=settings)
    desk.sandbox.advance(14 * DAY + HOUR)
    assert desk.fetch(sub).status == status


def test_a_trial_can_be_made_longer_and_ended_now(paying: Desk) -> None:
    sub = paying.subscribe(trial_period_days=14)
    assert sub.trial_end is not None
    longer = paying.update(sub, trial_end=sub.trial_end + 7 * DAY)
    assert end(longer) == sub.trial_end + 7 * DAY
    now = paying.update(sub, trial_end="now")
    assert (now.status, paying.invoices()[-1].amount_paid) == ("active", 5 * TEAM)


def test_seats_taken_during_a_trial_cost_nothing_then(paying: Desk) -> None:
    sub = paying.subscribe(trial_period_days=14)
    paying.update(sub, items=[{"id": sub["items"].data[0].id, "quantity": 7}], proration_behavior="always_invoice")
    assert sum(invoice.total for invoice in paying.invoices()) == 0
    assert paying.preview(sub).total == 7 * TEAM
