"""Credit notes, refunds and credit grants of the stand-in."""

from typing import Any

import pytest
import stripe

from tests.billing.sandbox.desk import HOUR, Desk, end


def note(desk: Desk, invoice: Any, **more: Any) -> stripe.CreditNote:
    asked: Any = {"invoice": str(invoice), **more}
    return desk.stripe.v1.credit_notes.create(asked)


def test_a_note_of_a_paid_invoice_becomes_credit(paying: Desk) -> None:
    sub = paying.subscribe()
    made = note(paying, sub.latest_invoice, amount=2_000, credit_amount=2_000, reason="product_unsatisfactory")
    assert (made.status, made.type, made.total, made.number) == (
        "issued",
        "post_payment",
        2_000,
        f"{paying.invoices()[0].number}-CN-01",
    )
    assert paying.stripe.v1.customers.retrieve(paying.customer).balance == -2_000
    assert paying.invoices()[0].post_payment_credit_notes_amount == 2_000
    assert paying.preview(sub).amount_due == 5_500
    assert b"Credit note" in paying.page(made.pdf)


def test_a_note_of_a_paid_invoice_becomes_a_refund(paying: Desk) -> None:
    sub = paying.subscribe()
    made = note(paying, sub.latest_invoice, amount=2_000, refund_amount=2_000)
    refund = paying.stripe.v1.refunds.retrieve(str(made.refunds[0].refund))
    assert (refund.amount, refund.status) == (2_000, "succeeded")
    assert paying.stripe.v1.charges.retrieve(str(refund.charge)).amount_refunded == 2_000
    assert paying.stripe.v1.customers.retrieve(paying.customer).balance == 0


def test_a_note_of_an_open_invoice_lowers_what_is_owed(desk: Desk) -> None:
    sub = desk.subscribe()
    made = note(desk, sub.latest_invoice, amount=2_000)
    invoice = desk.invoices()[0]
    assert (made.type, invoice.amount_due, invoice.amount_remaining) == ("pre_payment", 5_500, 5_500)
    assert invoice.pre_payment_credit_notes_amount == 2_000
    desk.card()
    assert desk.stripe.v1.invoices.pay(invoice.id).amount_paid == 5_500


def test_a_note_of_all_that_is_owed_pays_the_invoice(desk: Desk) -> None:
    sub = desk.subscribe()
    note(desk, sub.latest_invoice, amount=7_500)
    assert (desk.invoices()[0].status, desk.fetch(sub).status) == ("paid", "active")


def test_a_note_of_single_lines(paying: Desk) -> None:
    sub = paying.subscribe()
    line = paying.invoices()[0].lines.data[0]
    parts = [
        {"type": "invoice_line_item", "invoice_line_item": line.id, "amount": 1_500},
        {"type": "custom_line_item", "description": "Goodwill", "quantity": 1, "unit_amount": 100},
    ]
    made = note(paying, sub.latest_invoice, lines=parts, credit_amount=1_600)
    assert [(each.type, each.amount) for each in made.lines.data] == [("invoice_line_item", 1_500), ("custom_line_item", 100)]


def test_a_preview_of_a_note_stores_nothing(paying: Desk) -> None:
    sub = paying.subscribe()
    shown = paying.stripe.v1.credit_notes.preview({"invoice": str(sub.latest_invoice), "amount": 2_000, "credit_amount": 2_000})
    assert shown.total == 2_000
    assert paying.sandbox.state("credit_note") == []


def test_more_than_the_invoice_is_refused(paying: Desk) -> None:
    sub = paying.subscribe()
    note(paying, sub.latest_invoice, amount=7_000, credit_amount=7_000)
    with pytest.raises(stripe.InvalidRequestError, match="must be from 1 to 500, what is left of the invoice, and is 501"):
        note(paying, sub.latest_invoice, amount=501, credit_amount=501)


def test_a_note_that_is_not_spoken_for_in_full_is_refused(paying: Desk) -> None:
    sub = paying.subscribe()
    with pytest.raises(stripe.InvalidRequestError, match="must equal the credit note amount"):
        note(paying, sub.latest_invoice, amount=2_000, credit_amount=1_999)
    assert paying.stripe.v1.customers.retrieve(paying.customer).balance == 0


def test_a_refund_gives_back_what_is_left_of_a_charge(paying: Desk) -> None:
    sub = paying.subscribe()
    paid = paying.stripe.v1.invoice_payments.list({"invoice": str(sub.latest_invoice)}).data[0]
    intent = str(paid.payment.payment_intent)
    assert paying.stripe.v1.refunds.create({"payment_intent": intent, "amount": 7_000}).amount == 7_000
    assert paying.stripe.v1.refunds.create({"payment_intent": intent}).amount == 500
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount on charge"):
        paying.stripe.v1.refunds.create({"payment_intent": intent, "amount": 1})


def test_a_voided_note_is_owed_again(desk: Desk) -> None:
    sub = desk.subscribe()
    made = note(desk, sub.latest_invoice, amount=2_000)
    assert desk.stripe.v1.credit_notes.void_credit_note(made.id).status == "void"
    assert desk.invoices()[0].amount_remaining == 7_500


def grant(desk: Desk, cents: int, **more: Any) -> stripe.billing.CreditGrant:
    asked: Any = {
        "customer": desk.customer,
        "amount": {"type": "monetary", "monetary": {"currency": "usd", "value": cents}},
        "applicability_config": {"scope": {"price_type": "metered"}},
        "category": "promotional",
        **more,
    }
    return desk.stripe.v1.billing.credit_grants.create(asked)


def left(desk: Desk) -> int:
    scope: Any = {
        "customer": desk.customer,
        "filter": {"type": "applicability_scope", "applicability_scope": {"price_type": "metered"}},
    }
    balance = desk.stripe.v1.billing.credit_balance_summary.retrieve(scope).balances[0].available_balance.monetary
    assert balance is not None
    return balance.value


def test_granted_credit_pays_usage_and_not_seats(paying: Desk) -> None:
    sub = paying.subscribe()
    grant(paying, 500)
    paying.use(1_300)
    assert paying.preview(sub).total == 7_500
    assert left(paying) == 500
    paying.sandbox.advance_to(end(sub) + HOUR)
    assert (paying.invoices()[-1].amount_paid, left(paying)) == (7_500, 380)


def test_usage_beyond_the_credit_is_charged(paying: Desk) -> None:
    sub = paying.subscribe()
    grant(paying, 100)
    paying.use(1_300)
    paying.sandbox.advance_to(end(sub) + HOUR)
    assert (paying.invoices()[-1].amount_paid, left(paying)) == (7_520, 0)


def test_credit_that_expired_pays_nothing(paying: Desk) -> None:
    sub = paying.subscribe()
    grant(paying, 500, expires_at=end(sub) - 1)
    paying.use(1_300)
    paying.sandbox.advance_to(end(sub) + HOUR)
    assert paying.invoices()[-1].amount_paid == 7_620


def test_a_grant_is_voided_only_before_it_is_used(paying: Desk) -> None:
    sub = paying.subscribe()
    used, unused = grant(paying, 500, priority=1), grant(paying, 500, priority=9)
    paying.use(1_300)
    paying.sandbox.advance_to(end(sub) + HOUR)
    assert paying.stripe.v1.billing.credit_grants.void_grant(unused.id).voided_at is not None
    with pytest.raises(stripe.InvalidRequestError, match="was used cannot be voided"):
        paying.stripe.v1.billing.credit_grants.void_grant(used.id)
