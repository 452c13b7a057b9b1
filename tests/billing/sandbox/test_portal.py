"""The stand-in's billing portal and its page of an invoice."""

from typing import Any

import pytest
import stripe

from tests.billing.sandbox.desk import HOUR, Desk, end

WORKS = "4242 4242 4242 4242"
LATER = "4000 0000 0000 0341"
BACK = "http://127.0.0.2:9/billing/"


def portal(desk: Desk, **more: Any) -> str:
    asked: Any = {"customer": desk.customer, "return_url": BACK}
    return desk.stripe.v1.billing_portal.sessions.create(asked | more).url


def test_it_shows_the_subscription_the_card_and_the_invoices(paying: Desk) -> None:
    paying.subscribe()
    page = paying.page(portal(paying)).decode()
    for text in ("Billing of acme", "5 × Team, by the month", "Visa ending in", "in use", "-0001", BACK):
        assert text in page


def test_a_new_card_is_the_one_that_is_charged(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.card("pm_card_chargeCustomerFail")
    assert b"This card is charged from now on." in paying.page(portal(paying), do="add_card", card=WORKS)
    paying.sandbox.advance_to(end(sub) + HOUR)
    assert paying.fetch(sub).status == "active"


def test_a_subscriptions_own_card_is_replaced_too(paying: Desk) -> None:
    method = paying.stripe.v1.payment_methods.attach("pm_card_visa", {"customer": paying.customer}).id
    sub = paying.subscribe(default_payment_method=method)
    paying.page(portal(paying), do="add_card", card=LATER)
    paying.sandbox.advance_to(end(sub) + HOUR)
    assert paying.fetch(sub).status == "past_due"


def test_the_card_in_use_cannot_be_removed_and_another_can(paying: Desk) -> None:
    first = paying.card()
    address = portal(paying)
    assert b"Use another one first" in paying.page(address, do="remove", method=first)
    second = paying.card()
    assert b"The card was removed." in paying.page(address, do="remove", method=first)
    used = paying.stripe.v1.customers.retrieve(paying.customer).invoice_settings
    assert used is not None
    assert used.default_payment_method == second


def test_a_card_of_another_customer_is_not_to_be_had(paying: Desk) -> None:
    other = paying.stripe.v1.customers.create({"name": "globex"}).id
    theirs = paying.stripe.v1.payment_methods.attach("pm_card_visa", {"customer": other}).id
    assert b"No such card" in paying.page(portal(paying), do="use", method=theirs)


def test_billing_details_are_kept(paying: Desk) -> None:
    form = {"do": "save", "name": "Acme GmbH", "email": "books@acme.test", "line1": "Harbour 1", "country": "DE"}
    assert b"Your billing details are saved." in paying.page(portal(paying), **form, tax_id="DE123456789")
    customer = paying.stripe.v1.customers.retrieve(paying.customer)
    assert (customer.name, customer.email) == ("Acme GmbH", "books@acme.test")
    assert customer.address is not None
    assert (customer.address.line1, customer.address.city) == ("Harbour 1", None)


def test_an_email_that_is_none_is_said(paying: Desk) -> None:
    assert b"Invalid email address" in paying.page(portal(paying), do="save", name="Acme", email="ada")


def test_a_subscription_is_cancelled_and_kept(paying: Desk) -> None:
    sub = paying.subscribe()
    address = portal(paying)
    assert b"The subscription will end." in paying.page(address, do="cancel", subscription=sub.id)
    assert paying.fetch(sub).cancel_at_period_end
    assert b"The subscription goes on." in paying.page(address, do="keep", subscription=sub.id)
    assert not paying.fetch(sub).cancel_at_period_end


def test_a_configuration_takes_cancelling_away(paying: Desk) -> None:
    sub = paying.subscribe()
    features: Any = {"features": {"invoice_history": {"enabled": True}, "payment_method_update": {"enabled": True}}}
    made = paying.stripe.v1.billing_portal.configurations.create(features)
    address = portal(paying, configuration=made.id)
    assert b"Cancel the subscription" not in paying.page(address)
    assert b"No such subscription" in paying.page(address, do="cancel", subscription=sub.id)
    assert not paying.fetch(sub).cancel_at_period_end


def test_a_flow_leads_back_when_it_is_done(paying: Desk) -> None:
    flow = {"type": "payment_method_update", "after_completion": {"type": "redirect", "redirect": {"return_url": BACK}}}
    assert paying.go(portal(paying, flow_data=flow), do="add_card", card=WORKS) == BACK


def test_an_unknown_customer_has_no_portal(desk: Desk) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such customer: 'cus_none'"):
        portal(desk, customer="cus_none")


def test_an_invoice_is_paid_on_its_page(paying: Desk) -> None:
    sub = paying.subscribe()
    paying.card("pm_card_chargeCustomerFail")
    paying.sandbox.advance_to(end(sub) + HOUR)
    address = str(paying.invoices()[-1].hosted_invoice_url)
    assert b"$75.00" in paying.page(address)

    assert b"Your card was declined." in paying.page(address, do="pay", card="default")
    assert paying.fetch(sub).status == "past_due"
    assert b"paid on" in paying.page(address, do="pay", card=WORKS)

    assert (paying.fetch(sub).status, paying.invoices()[-1].status) == ("active", "paid")
    assert b"paid on" in paying.page(address, do="pay", card=WORKS)
    assert paying.invoices()[-1].attempt_count == 3
