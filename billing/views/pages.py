"""A page of billing with what stands around it, and what a refusal says on it."""

from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from billing.gateway.errors import Away, Busy, Denied, NotConfigured, Refused, StripeError
from billing.selectors.bill import Bill, bill_of
from billing.selectors.offers import retention
from billing.views.gate import Desk
from billing.views.notices import notices_of
from saas.core.errors import AppError

UNPROCESSABLE: Final = 422
Refusal = (StripeError, AppError)
TABS: Final = {
    "meter": "usage",
    "batch": "usage",
    "order": "plans",
    "change": "plans",
    "act": "plans",
    "confirming": "plans",
    "invoice": "invoices",
    "close": "settings",
}  # the tab under which a page stands, where it has another name


def show(
    request: HttpRequest, desk: Desk, name: str, *, bill: Bill | None = None, status: int = 200, **context: Any
) -> HttpResponse:
    """The page `templates/billing/<name>.html`. It begins with what the tenant must know of its access."""
    bill = bill or bill_of(desk.account)
    around = {
        "desk": desk,
        "bill": bill,
        "notices": notices_of(bill),
        "section": "billing",
        "tab": TABS.get(name, name),
        "currency": bill.plan.currency,
        "retention": retention(bill.plan),
        "zone": desk.account.time_zone,
    }
    return render(request, f"billing/{name}.html", around | context, status=status)


def words_of(refusal: Exception) -> str:
    """What a refusal says to people: what happened, what was kept, what to do."""
    match refusal:
        case NotConfigured():
            return "Payment is not set up on this installation, so nothing can be bought here."
        case Refused():
            return str(refusal.message)
        case Busy() | Away():
            return "Stripe does not answer just now. Nothing was changed and nothing charged. Try again in a minute."
        case Denied():
            return "Stripe refuses this installation. Nothing was changed and nothing charged. Write to us: we must mend it."
        case AppError():
            return refusal.message
    return "Stripe could not do this. Nothing was changed and nothing charged."


def refuse(form: forms.Form, refusal: Exception, *, field: str | None = None) -> None:
    """Put a refusal beside the field that it is about, or above the form."""
    asked = field or getattr(refusal, "field", None) or getattr(refusal, "param", None)
    form.add_error(asked if asked in form.fields else None, words_of(refusal))
