"""A tenant's invoices: the list, each with its lines down to what they count, the PDF, and paying."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from billing.selectors.invoices import invoice_for, invoices_of, is_payable, lines_of
from billing.services.stripe.invoices import pay_invoice, pdf_of
from billing.views.gate import READ, Desk, page
from billing.views.pages import Refusal, show, words_of


@page(*READ)
def invoices(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The newest first, two years to a page."""
    asked = request.GET.get("page", "0")
    number = int(asked) if asked.isdecimal() and len(asked) < 5 else 0
    found, has_older = invoices_of(desk.id, number)
    return show(request, desk, "invoices", invoices=found, newer=number - 1, older=number + 1 if has_older else None)


@page(*READ)
def invoice(request: HttpRequest, desk: Desk, invoice_id: UUID) -> HttpResponse:
    """One invoice. A metered line leads to what it counts."""
    found = invoice_for(desk.id, invoice_id)
    context: dict[str, Any] = {
        "discount": -found.discount,
        "from_balance": found.amount_due - found.total,
        "is_payable": is_payable(found),
    }
    return show(request, desk, "invoice", invoice=found, lines=lines_of(found), **context)


@page(*READ)
def pdf(request: HttpRequest, desk: Desk, invoice_id: UUID) -> HttpResponse:
    """On to Stripe's PDF: its address is asked for anew, since an old one runs out."""
    found = invoice_for(desk.id, invoice_id)
    try:
        return redirect(pdf_of(found))
    except Refusal as refusal:
        messages.error(request, words_of(refusal))
        return redirect("billing_invoice", invoice_id=found.id)


@page("POST")
def pay(request: HttpRequest, desk: Desk, invoice_id: UUID) -> HttpResponse:
    """Charge the card on file now. What the bank says against it stands on the page."""
    found = invoice_for(desk.id, invoice_id)
    try:
        pay_invoice(desk.id, found, actor=desk.actor)
    except Refusal as refusal:
        messages.error(request, words_of(refusal))
    else:
        messages.success(request, f"Invoice {found.number} is paid. Thank you.")
    return redirect("billing_invoice", invoice_id=found.id)
