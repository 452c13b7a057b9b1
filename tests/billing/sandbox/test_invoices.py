"""Invoices of the stand-in: what they come to, when they are made, and how they are paid."""

from typing import Any

import pytest
import stripe

from tests.billing.sandbox.desk import DAY, HOUR, TEAM, Desk, end, lines


def test_five_seats_and_1300_messages_come_to_7620_in_preview_and_invoice(paying: Desk) -> None:
    sub = paying.subscribe(seats=5)
    paying.use(1_300)
    assert paying.preview(sub).total == 7_620

    paying.sandbox.advance_to(end(sub) + HOUR)

    invoice = paying.invoices()[-1]
    assert (invoice.status, invoice.total, invoice.amount_paid) == ("paid", 7_620, 7_620)
    assert lines(invoice) == [
        ("1000 × Messages (Tier 1 at $0.00 / month)", 0),
        ("300 × Messages (Tier 2 at $0.004 / month)", 120),
        ("5 × Team (at $15.00 / month)", 7_500),
    ]


def test_seats_are_for_the_next_period_and_usage_for_the_last_one(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.use(1_001)
    paying.sandbox.advance_to(end(sub))

    first, renewed = sub["items"].data[0], paying.fetch(sub)["items"].data[0]
    assert renewed.current_period_start == first.current_period_end
    usage, over, seats = paying.invoices()[-1].lines.data
    assert (usage.period.start, usage.period.end) == (first.current_period_start, first.current_period_end)
    assert (over.quantity, over.amount) == (1, 0)  # 0.4 cents
    assert (seats.period.start, seats.period.end) == (renewed.current_period_start, renewed.current_period_end)


def test_a_renewal_is_a_draft_for_an_hour_and_late_usage_still_gets_on_it(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.sandbox.advance_to(end(sub) + HOUR - 600)  # its clock goes on by itself, and soon shows the next second
    draft = paying.invoices()[-1]
    assert (draft.status, draft.number, draft.total) == ("draft", None, 7_500)

    paying.use(1_300, at=end(sub) - 1)
    paying.use(5_000, at=end(sub))  # of the next period
    assert paying.stripe.v1.invoices.retrieve(draft.id).total == 7_620
    paying.sandbox.advance(600)

    assert paying.stripe.v1.invoices.retrieve(draft.id).amount_paid == 7_620


def test_usage_starts_from_nothing_in_each_period(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.use(1_300)
    paying.sandbox.advance_to(end(sub) + HOUR)
    assert paying.preview(sub).total == 7_500


def test_a_paid_invoice_names_its_subscription_its_payment_and_where_it_is_shown(paying: Desk) -> None:
    sub = paying.subscribe()
    invoice = paying.stripe.v1.invoices.retrieve(str(sub.latest_invoice), {"expand": ["payments"]})
    assert invoice.parent is not None
    assert invoice.parent.subscription_details is not None
    assert invoice.parent.subscription_details.subscription == sub.id
    assert invoice.payments is not None
    assert [payment.status for payment in invoice.payments.data] == ["paid"]
    assert invoice.billing_reason == "subscription_create"
    assert str(invoice.number).endswith("-0001")
    assert b"5 \xc3\x97 Team" in paying.page(str(invoice.hosted_invoice_url))


def test_a_customers_credit_is_used_first(paying: Desk) -> None:
    asked: Any = {"amount": -1_000, "currency": "usd"}
    paying.stripe.v1.customers.balance_transactions.create(paying.customer, asked)
    paying.subscribe()
    invoice = paying.invoices()[-1]
    assert (invoice.total, invoice.amount_due, invoice.amount_paid) == (7_500, 6_500, 6_500)
    assert (invoice.starting_balance, invoice.ending_balance) == (-1_000, 0)
    assert paying.stripe.v1.customers.retrieve(paying.customer).balance == 0


def test_credit_that_is_left_over_stays(paying: Desk) -> None:
    asked: Any = {"amount": -10_000, "currency": "usd"}
    paying.stripe.v1.customers.balance_transactions.create(paying.customer, asked)
    paying.subscribe()
    invoice = paying.invoices()[-1]
    assert (invoice.status, invoice.amount_due, invoice.ending_balance) == ("paid", 0, -2_500)
    kinds = [row.type for row in paying.stripe.v1.customers.balance_transactions.list(paying.customer).data]
    assert kinds == ["applied_to_invoice", "adjustment"]


def test_more_than_ten_lines_are_in_the_list_of_lines(paying: Desk) -> None:
    sub = paying.subscribe()
    for number in range(11):
        item: Any = {"customer": paying.customer, "amount": 10 + number, "currency": "usd", "description": f"Extra {number}"}
        paying.stripe.v1.invoice_items.create(item)
    paying.sandbox.advance_to(end(sub))
    invoice = paying.invoices()[-1]
    assert (len(invoice.lines.data), invoice.lines.has_more) == (10, True)
    every = list(paying.stripe.v1.invoices.line_items.list(invoice.id, {"limit": 5}).auto_paging_iter())
    assert len(every) == 13
    assert sum(line.amount for line in every) == invoice.total == 7_500 + sum(range(10, 21))


def test_an_invoice_can_be_made_by_hand_from_waiting_items(paying: Desk) -> None:
    item: Any = {"customer": paying.customer, "amount": 900, "currency": "usd", "description": "Setting up"}
    paying.stripe.v1.invoice_items.create(item)
    invoice = paying.stripe.v1.invoices.create({"customer": paying.customer, "pending_invoice_items_behavior": "include"})
    assert (invoice.status, invoice.total) == ("draft", 900)
    assert paying.stripe.v1.invoices.finalize_invoice(invoice.id).status == "open"
    assert paying.stripe.v1.invoices.pay(invoice.id).status == "paid"


def test_a_paid_invoice_cannot_be_paid_again(paying: Desk) -> None:
    sub = paying.subscribe()
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        paying.stripe.v1.invoices.pay(str(sub.latest_invoice))


def test_a_voided_invoice_is_owed_no_more(desk: Desk) -> None:
    sub = desk.subscribe()
    invoice = desk.stripe.v1.invoices.void_invoice(str(sub.latest_invoice))
    assert (invoice.status, invoice.status_transitions.voided_at is not None) == ("void", True)
    with pytest.raises(stripe.InvalidRequestError, match="is void and cannot be paid"):
        desk.stripe.v1.invoices.pay(invoice.id)


def test_tax_is_charged_where_it_is_on_and_a_rate_is_set(paying: Desk) -> None:
    paying.sandbox.control("POST", "tax", {"percent": "20"})
    sub = paying.subscribe(automatic_tax={"enabled": True})
    assert paying.invoices()[-1].total == 9_000
    assert paying.preview(sub).total_excluding_tax == 7_500
    paying.update(sub, automatic_tax={"enabled": False})
    assert paying.preview(sub).total == 7_500


def test_the_pdf_is_one_that_readers_open(paying: Desk) -> None:
    sub = paying.subscribe()
    invoice = paying.stripe.v1.invoices.retrieve(str(sub.latest_invoice))
    content = paying.page(str(invoice.invoice_pdf))
    assert content.startswith(b"%PDF-1.4")
    assert content.rstrip().endswith(b"%%EOF")
    table = int(content.rsplit(b"startxref", 1)[1].split()[0])
    assert content[table:].startswith(b"xref")
    places = [int(row.split()[0]) for row in content[table:].split(b"\n")[3:] if row.endswith(b" n ")]
    assert [content[place:].split(b" ")[0] for place in places] == [b"%d" % number for number in range(1, len(places) + 1)]
    assert str(invoice.number).encode() in content
    assert b"$75.00" in content


def test_a_preview_stores_nothing(paying: Desk) -> None:
    sub = paying.subscribe()
    before = [len(paying.sandbox.state(kind)) for kind in ("invoice", "invoiceitem", "event", "subscription")]
    paying.preview(sub, items=[{"id": sub["items"].data[0].id, "quantity": 9}], proration_behavior="always_invoice")
    assert [len(paying.sandbox.state(kind)) for kind in ("invoice", "invoiceitem", "event", "subscription")] == before
    assert paying.fetch(sub)["items"].data[0].quantity == 5


def test_without_anything_to_come_there_is_no_preview(paying: Desk) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No upcoming invoices for customer"):
        paying.stripe.v1.invoices.create_preview({"customer": paying.customer})


def test_a_preview_of_a_subscription_that_does_not_exist_yet(desk: Desk) -> None:
    details = {"items": [{"price": desk.team, "quantity": 3}, {"price": desk.messages}]}
    asked: Any = {"customer": desk.customer, "subscription_details": details}
    assert desk.stripe.v1.invoices.create_preview(asked).total == 3 * TEAM
    assert desk.sandbox.state("subscription") == []


def test_a_subscription_that_ends_with_its_period_is_billed_for_its_usage_only(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.use(1_300)
    paying.update(sub, cancel_at_period_end=True)
    assert paying.preview(sub).total == 120
    paying.sandbox.advance_to(end(sub) + HOUR)
    assert (paying.fetch(sub).status, paying.invoices()[-1].amount_paid) == ("canceled", 120)
    paying.sandbox.advance(40 * DAY)
    assert len(paying.invoices()) == 2
