"""A tenant's invoices, as the mirror of Stripe has them."""

from typing import Final
from uuid import UUID

from billing.models import Invoice, InvoiceLine
from saas.core.errors import NotFound

PAGE: Final = 24  # invoices: two years of them
PAYABLE: Final = ("open", "uncollectible")


def invoices_of(tenant_id: UUID, page: int = 0) -> tuple[list[Invoice], bool]:
    """A page of the tenant's invoices, the newest first, and whether there are older ones. Drafts are left out."""
    found = Invoice.for_tenant(tenant_id).exclude(status="draft").order_by("-created_at", "-id")
    begin = page * PAGE
    shown = list(found[begin : begin + PAGE + 1])
    return shown[:PAGE], len(shown) > PAGE


def invoice_for(tenant_id: UUID, invoice_id: UUID) -> Invoice:
    """An invoice of the tenant. Raises NotFound for a draft, and for those of others."""
    found: Invoice | None = Invoice.for_tenant(tenant_id).exclude(status="draft").filter(id=invoice_id).first()
    if found is None:
        raise NotFound("There is no such invoice.")
    return found


def lines_of(invoice: Invoice) -> list[InvoiceLine]:
    """Its lines in Stripe's order."""
    return list(invoice.lines.order_by("place"))


def is_payable(invoice: Invoice) -> bool:
    """Whether money is still owed for it."""
    return invoice.status in PAYABLE and invoice.amount_remaining > 0


def unpaid(tenant_id: UUID) -> list[Invoice]:
    """What the tenant has to pay, the oldest first."""
    open_ones = Invoice.for_tenant(tenant_id).filter(status__in=PAYABLE, amount_remaining__gt=0)
    return list(open_ones.order_by("created_at"))
