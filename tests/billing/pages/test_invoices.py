"""Invoices as a tenant reads them."""

from datetime import timedelta

import pytest

from billing.clock import now
from billing.gateway import gateway
from billing.models import Invoice
from billing.services.stripe.mirror import fetch_invoice
from tests.billing.buyer import Buyer
from tests.billing.pages.conftest import House, text_of
from tests.support.money import paying
from tests.support.stripe import Sandbox


def test_an_invoice_shows_each_line_with_its_amount(house: House) -> None:
    invoice = house.invoice(discount=10_00, tax=5_00, total=71_20, amount_due=61_20, amount_paid=61_20, credited=2_00)
    page = text_of(house.get(f"invoices/{invoice.id}/"))
    for amount in ("$75.00", "$1.20", "-$10.00", "$5.00", "$71.20", "$61.20", "$2.00"):
        assert f">{amount}<" in page, amount
    assert "Paid" in page


def test_a_draft_is_no_invoice_yet(house: House) -> None:
    draft = house.invoice(status="draft", number="")
    assert str(draft.id) not in text_of(house.get("invoices/"))
    assert house.get(f"invoices/{draft.id}/").status_code == 404


def test_the_list_comes_in_pages(house: House) -> None:
    made = [house.invoice(created_at=now() - timedelta(days=place)) for place in range(26)]
    first, second = text_of(house.get("invoices/")), text_of(house.get("invoices/?page=1"))
    assert made[0].number in first
    assert made[25].number not in first
    assert made[25].number in second
    for page in ("x", "-1", "99999999", "7"):
        assert house.get(f"invoices/?page={page}").status_code == 200


def test_an_empty_list_says_when_there_will_be_one(house: House) -> None:
    assert "Nothing is invoiced at the moment." in text_of(house.get("invoices/"))
    paying(house.tenant)
    assert "The first one is made on" in text_of(house.get("invoices/"))


class TestAtStripe:
    @pytest.fixture
    def buyer(self, sandbox: Sandbox, house: House) -> Buyer:
        buyer = Buyer(sandbox, house.tenant)
        buyer.buy()
        return buyer

    def open_invoice(self, buyer: Buyer) -> Invoice:
        """The renewal that the card did not pay, in our rows."""
        from_now = int(buyer.live.period_end.timestamp()) + 2 * 3600
        buyer.sandbox.advance_to(from_now)
        stripe_id = buyer.invoices()[-1]["id"]
        fetch_invoice(stripe_id)
        invoice: Invoice = Invoice.objects.get(stripe_id=stripe_id)
        return invoice

    def test_the_pdf_is_stripes(self, buyer: Buyer, house: House) -> None:
        fetch_invoice(buyer.invoices()[0]["id"])
        invoice = Invoice.for_tenant(house.tenant.id).get()
        assert house.get(f"invoices/{invoice.id}/pdf/")["Location"] == gateway().invoice_pdf(invoice.stripe_id)

    def test_a_declined_card_says_what_the_bank_said_and_a_good_one_pays(self, buyer: Buyer, house: House) -> None:
        buyer.fails()
        invoice = self.open_invoice(buyer)
        assert invoice.status == "open"
        house.post(f"invoices/{invoice.id}/pay/")
        assert "declined" in text_of(house.get(f"invoices/{invoice.id}/"))
        stripe, customer = buyer.sandbox.client(), str(buyer.account.stripe_customer_id)
        method = stripe.v1.payment_methods.attach("pm_card_visa", {"customer": customer}).id
        stripe.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": method}})
        stripe.v1.subscriptions.update(str(buyer.live.stripe_id), {"default_payment_method": method})
        house.post(f"invoices/{invoice.id}/pay/")
        invoice.refresh_from_db()
        assert (invoice.status, invoice.amount_remaining) == ("paid", 0)
        assert f"Invoice {invoice.number} is paid." in text_of(house.get(f"invoices/{invoice.id}/"))
