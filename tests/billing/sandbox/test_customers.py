"""Customers at the stand-in, with their tax ids, balance and cards."""

import pytest
import stripe

from tests.support.stripe import Sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> stripe.StripeClient:
    return sandbox.client()


@pytest.fixture
def acme(client: stripe.StripeClient) -> str:
    return client.v1.customers.create(
        {"name": "acme", "email": "ada@acme.example", "metadata": {"tenant": "1", "plan": "team"}}
    ).id


def test_an_update_changes_what_is_sent_and_merges_metadata(client: stripe.StripeClient, acme: str) -> None:
    customer = client.v1.customers.update(acme, {"metadata": {"plan": "", "seats": "5"}, "email": ""})

    assert customer.metadata is not None
    assert customer.metadata.to_dict() == {"tenant": "1", "seats": "5"}
    assert (customer.name, customer.email) == ("acme", None)


def test_an_address_that_is_none_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Invalid email address: ada") as caught:
        client.v1.customers.create({"email": "ada"})
    assert (caught.value.code, caught.value.param) == ("email_invalid", "email")


def test_a_deleted_customer_is_shown_as_deleted_and_takes_no_usage(
    sandbox: Sandbox, client: stripe.StripeClient, acme: str
) -> None:
    client.v1.customers.delete(acme)

    assert client.v1.customers.retrieve(acme).deleted is True
    assert client.v1.customers.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        client.v1.customers.update(acme, {"name": "acme"})
    assert [message.type for message in sandbox.take()][-1] == "customer.deleted"


def test_customers_are_found_by_their_address(client: stripe.StripeClient, acme: str) -> None:
    client.v1.customers.create({"email": "gus@globex.example"})

    assert [customer.id for customer in client.v1.customers.list({"email": "ada@acme.example"}).data] == [acme]


def test_tax_ids_are_kept_with_their_customer(client: stripe.StripeClient, acme: str) -> None:
    tax_id = client.v1.customers.tax_ids.create(acme, {"type": "eu_vat", "value": "DE123456789"})

    shown = client.v1.customers.retrieve(acme, {"expand": ["tax_ids"]})
    assert shown.tax_ids is not None
    assert [(one.id, one.value, one.country) for one in shown.tax_ids.data] == [(tax_id.id, "DE123456789", "DE")]
    client.v1.customers.tax_ids.delete(acme, tax_id.id)
    assert client.v1.customers.tax_ids.list(acme).data == []


def test_credit_adds_up_in_the_balance_in_one_currency(client: stripe.StripeClient, acme: str) -> None:
    give = client.v1.customers.balance_transactions.create
    give(acme, {"amount": -500, "currency": "usd", "description": "goodwill"})
    second = give(acme, {"amount": -250, "currency": "usd"})

    assert second.ending_balance == -750
    assert client.v1.customers.retrieve(acme).balance == -750
    assert [one.amount for one in client.v1.customers.balance_transactions.list(acme).data] == [-250, -500]
    with pytest.raises(stripe.InvalidRequestError, match="currency is usd, not eur"):
        give(acme, {"amount": -1, "currency": "eur"})


def test_a_card_belongs_to_a_customer_and_can_be_its_default(client: stripe.StripeClient, acme: str) -> None:
    card = client.v1.payment_methods.attach("pm_card_visa", {"customer": acme})
    client.v1.customers.update(acme, {"invoice_settings": {"default_payment_method": card.id}})

    shown = client.v1.customers.retrieve(acme, {"expand": ["invoice_settings.default_payment_method"]})
    assert shown.invoice_settings is not None
    assert isinstance(shown.invoice_settings.default_payment_method, stripe.PaymentMethod)
    assert shown.invoice_settings.default_payment_method.card is not None
    assert shown.invoice_settings.default_payment_method.card.last4 == "4242"
    assert [one.id for one in client.v1.customers.payment_methods.list(acme).data] == [card.id]

    client.v1.payment_methods.detach(card.id)
    assert client.v1.payment_methods.list({"customer": acme}).data == []
    settings = client.v1.customers.retrieve(acme).invoice_settings
    assert settings is not None
    assert settings.default_payment_method is None


def test_a_card_of_somebody_else_is_no_default(client: stripe.StripeClient, acme: str) -> None:
    globex = client.v1.customers.create({"name": "globex"}).id
    card = client.v1.payment_methods.attach("pm_card_visa", {"customer": globex})

    with pytest.raises(stripe.InvalidRequestError, match="must be attached first"):
        client.v1.customers.update(acme, {"invoice_settings": {"default_payment_method": card.id}})
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        client.v1.payment_methods.attach(card.id, {"customer": acme})


@pytest.mark.parametrize(
    ("number", "works"), [("4242424242424242", True), ("4000000000000341", True), ("4000000000000002", False)]
)
def test_some_cards_are_declined_when_they_are_attached(client: stripe.StripeClient, acme: str, number: str, works: bool) -> None:
    method = client.v1.payment_methods.create({"type": "card", "card": {"number": number, "exp_month": 12, "exp_year": 2034}})
    if works:
        assert client.v1.payment_methods.attach(method.id, {"customer": acme}).customer == acme
        return
    with pytest.raises(stripe.CardError) as caught:
        client.v1.payment_methods.attach(method.id, {"customer": acme})
    assert caught.value.code == "card_declined"


def test_a_number_that_no_card_has_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError, match="number is incorrect"):
        client.v1.payment_methods.create(
            {"type": "card", "card": {"number": "4242424242424241", "exp_month": 12, "exp_year": 2034}}
        )
