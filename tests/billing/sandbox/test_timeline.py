"""The stand-in's clock: renewals that fail and are tried again, and that everything due happens in its order."""

import pytest

from tests.billing.sandbox.desk import DAY, HOUR, Desk, end
from tests.support.stripe import Sandbox, running


def test_a_renewal_that_fails_is_tried_on_days_1_3_5_and_7_and_then_unpaid(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.card("pm_card_chargeCustomerFail")
    first = end(sub) + HOUR
    seen = []
    for days in (0, 1, 3, 5, 7):
        paying.sandbox.advance_to(first + days * DAY)
        invoice = paying.invoices()[-1]
        seen.append((paying.fetch(sub).status, invoice.attempt_count, invoice.next_payment_attempt))
    assert seen == [
        ("past_due", 1, first + 1 * DAY),
        ("past_due", 2, first + 3 * DAY),
        ("past_due", 3, first + 5 * DAY),
        ("past_due", 4, first + 7 * DAY),
        ("unpaid", 5, None),
    ]
    assert paying.invoices()[-1].status == "open"
    assert len(paying.events("invoice.payment_failed")) == 5


@pytest.mark.parametrize("days", [0, 2, 20])
def test_paying_brings_it_back_at_any_time(paying: Desk, days: int) -> None:
    sub = paying.subscribe()
    paying.card("pm_card_chargeCustomerFail")
    paying.sandbox.advance_to(end(sub) + HOUR + days * DAY)
    assert paying.stripe.v1.customers.retrieve(paying.customer).delinquent

    paying.card()
    paying.stripe.v1.invoices.pay(paying.invoices()[-1].id)

    assert paying.fetch(sub).status == "active"
    assert not paying.stripe.v1.customers.retrieve(paying.customer).delinquent


def test_a_card_that_works_again_is_charged_by_the_next_try(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.card("pm_card_chargeCustomerFail")
    paying.sandbox.advance_to(end(sub) + HOUR)
    paying.card()
    paying.sandbox.advance(DAY)
    assert (paying.fetch(sub).status, paying.invoices()[-1].status) == ("active", "paid")


def test_a_card_that_wants_its_owner_asks_at_renewal(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.card("pm_card_authenticationRequired")
    paying.sandbox.advance_to(end(sub) + HOUR)
    assert paying.fetch(sub).status == "past_due"
    assert paying.events("invoice.payment_action") == ["invoice.payment_action_required"]


def test_while_unpaid_renewals_stay_drafts(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.card("pm_card_chargeCustomerFail")
    paying.sandbox.advance_to(end(sub) + 40 * DAY)
    assert [invoice.status for invoice in paying.invoices()] == ["paid", "open", "draft"]
    assert not paying.invoices()[-1].auto_advance


def test_a_year_in_one_move_is_twelve_renewals_in_order(paying: Desk) -> None:
    paying.subscribe()
    paying.sandbox.advance(366 * DAY)
    invoices = paying.invoices()
    assert [invoice.status for invoice in invoices] == ["paid"] * 13
    times = [event["created"] for event in paying.sandbox.state("event")]
    assert times == sorted(times)
    paid = [invoice.status_transitions.paid_at for invoice in invoices[1:]]
    assert paid == [invoice.period_end + HOUR for invoice in invoices[1:]]


def test_a_move_in_steps_ends_where_one_move_does(paying: Desk) -> None:
    sub = paying.subscribe()
    for _ in range(12):
        paying.sandbox.advance(6 * DAY)
    assert [invoice.total for invoice in paying.invoices()] == [7_500] * 3
    assert paying.fetch(sub).status == "active"


def test_a_renewal_tells_of_itself_in_order(paying: Desk) -> None:
    sub = paying.subscribe()
    before = len(paying.sandbox.state("event"))
    paying.sandbox.advance_to(end(sub) + HOUR)
    told = [event["type"] for event in paying.sandbox.state("event")[before:]]
    assert told == [
        "invoice.created",
        "customer.subscription.updated",
        "customer.updated",
        "invoice.finalized",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]


def test_collection_that_is_paused_voids_what_falls_due(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.update(sub, pause_collection={"behavior": "void", "resumes_at": end(sub) + DAY})
    paying.sandbox.advance_to(end(sub) + 2 * DAY)
    assert paying.invoices()[-1].status == "void"
    assert paying.fetch(sub).status == "active"
    assert paying.fetch(sub).pause_collection is None


def test_a_subscription_ends_at_the_moment_that_was_set(paying: Desk) -> None:
    sub = paying.subscribe()
    at = paying.sandbox.now() + 5 * DAY
    paying.update(sub, cancel_at=at)
    paying.sandbox.advance_to(at - 600)  # its clock goes on by itself, and soon shows the next second
    assert paying.fetch(sub).status == "active"
    paying.sandbox.advance(600)
    ended = paying.fetch(sub)
    assert (ended.status, ended.ended_at) == ("canceled", at)


def test_an_ended_subscriptions_open_invoice_is_not_tried_again(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.card("pm_card_chargeCustomerFail")
    paying.sandbox.advance_to(end(sub) + HOUR)
    paying.stripe.v1.subscriptions.cancel(sub.id)
    paying.sandbox.advance(10 * DAY)
    invoice = paying.invoices()[-1]
    assert (invoice.status, invoice.attempt_count, invoice.next_payment_attempt) == ("open", 1, None)


def test_it_goes_on_after_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("stripe")
    with running(folder) as first:
        desk = Desk(first)
        desk.card()
        sub = desk.subscribe()
        desk.use(1_300)
    with running(folder) as second:
        again = reopened(second, desk)
        second.advance_to(end(sub) + HOUR)
        assert again.invoices()[-1].amount_paid == 7_620
        second.check()


def reopened(sandbox: Sandbox, desk: Desk) -> Desk:
    """The same desk at another stand-in."""
    again = object.__new__(Desk)
    again.__dict__.update(desk.__dict__, sandbox=sandbox, stripe=sandbox.client())
    return again
