"""Invoices, paying them, and credit notes on them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from billing.gateway import reading, shapes
from billing.gateway.client import PAGE, Clients, adjustment_in, given, keyed
from billing.gateway.errors import translated

SHOWN: Final = ["payments.data.payment.payment_intent"]


class Invoices(Clients):
    """What is to be paid, and what was."""

    def invoice(self, id: str) -> shapes.Invoice:
        """With all its lines. Raises NoSuch."""
        with translated():
            raw = self.stripe.v1.invoices.retrieve(id, given(expand=SHOWN)).to_dict()
            if raw["lines"]["has_more"]:
                rows = self.stripe.v1.invoices.line_items.list(id, given(limit=PAGE)).auto_paging_iter()
                raw["lines"]["data"] = [row.to_dict() for row in rows]
        return reading.invoice(raw)

    def invoices(self, *, customer: str | None = None, created_after: datetime | None = None) -> Iterator[shapes.Invoice]:
        """The newest first: of one customer, or made since a moment. Of each, the first ten lines."""
        created = {"gte": reading.second(created_after)} if created_after else None
        with translated():
            found = self.stripe.v1.invoices.list(given(customer=customer, created=created, limit=PAGE))
            for row in found.auto_paging_iter():
                yield reading.invoice(row.to_dict())

    def pay(self, id: str, *, key: str) -> shapes.Invoice:
        """Charge the card on file now. Raises Declined with the bank's words, Refused for an invoice that is not open."""
        with translated():
            return reading.invoice(self.stripe.v1.invoices.pay(id, given(expand=SHOWN), keyed(key)).to_dict())

    def invoice_pdf(self, id: str) -> str:
        """Where its PDF is, for some days. Empty for a draft. Raises NoSuch."""
        with translated():
            return self.stripe.v1.invoices.retrieve(id).invoice_pdf or ""

    def credit_note(self, *, invoice: str, amount: int, reason: str, adjustment: UUID) -> str:
        """Take so much off an invoice; the note's id. What is paid already goes to the customer's balance.

        It carries the adjustment's id, which is its key as well. Raises Refused for more than the invoice has.
        """
        with translated():
            found = self.stripe.v1.invoices.retrieve(invoice)
            asked: Any = given(invoice=invoice, amount=amount, memo=reason, metadata={"adjustment": str(adjustment)})
            if found.status == "paid":
                asked["credit_amount"] = amount
            return self.stripe.v1.credit_notes.create(asked, keyed(f"adjustment:{adjustment}")).id

    def note_of(self, *, invoice: str, adjustment: UUID) -> str:
        """The invoice's credit note that was made for an adjustment; empty if there is none."""
        with translated():
            rows = self.stripe.v1.credit_notes.list(given(invoice=invoice, limit=PAGE)).auto_paging_iter()
            return next((row.id for row in rows if adjustment_in(row.to_dict()) == str(adjustment)), "")
