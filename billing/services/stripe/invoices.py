"""Paying an invoice, and where its PDF is."""

from uuid import UUID

from billing.gateway import gateway
from billing.gateway.errors import Declined
from billing.models import Invoice
from billing.services.audit import Actor
from billing.services.stripe import mirror
from billing.services.stripe.commands import ask
from saas.core.errors import Conflict, NotFound

UNPAID = ("open", "uncollectible")


def pay_invoice(account_id: UUID, invoice: Invoice, *, actor: Actor) -> None:
    """Charge the card on file now. Raises Declined with the bank's words, Conflict if nothing is to be paid, NotFound."""
    if invoice.account_id != account_id:
        raise NotFound("There is no such invoice.")
    if invoice.status not in UNPAID:
        raise Conflict(f"Invoice {invoice.number} is {invoice.status}: there is nothing to pay.")
    stripe_id = invoice.stripe_id
    try:
        ask(
            account_id,
            "invoice.pay",
            actor=actor,
            params={"invoice": stripe_id, "amount": invoice.amount_remaining},
            call=lambda key: gateway().pay(stripe_id, key=key),
        )
    except Declined:
        mirror.fetch_invoice(stripe_id)
        raise
    mirror.fetch_invoice(stripe_id)
    if invoice.subscription is not None and invoice.subscription.stripe_id:
        mirror.fetch_subscription(invoice.subscription.stripe_id)


def pdf_of(invoice: Invoice) -> str:
    """The address of its PDF, asked for anew: an old one runs out. Raises Conflict for a draft, which has none."""
    address = gateway().invoice_pdf(invoice.stripe_id)
    if not address:
        raise Conflict("This invoice is not finished: it has no PDF yet.")
    return address
