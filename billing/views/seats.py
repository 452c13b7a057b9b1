"""Seats: who holds one, what more cost, and fewer from the next renewal on. Nothing is bought before its price is shown."""

from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from billing.forms import PricedSeatsForm, SeatsForm
from billing.money import text
from billing.selectors.bill import Bill, bill_of
from billing.selectors.tenancy import holders_of
from billing.services.stripe.seats import SeatPreview, buy_seats, lower_seats_at_renewal, preview_seats
from billing.views.gate import READ, Desk, page
from billing.views.pages import UNPROCESSABLE, Refusal, refuse, show
from saas.core.errors import Conflict

PREVIEWED: Final = "seats"


@page(*READ)
def seats(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Who holds a seat; with `?seats=` what that many would cost."""
    bill = bill_of(desk.account)
    if PREVIEWED not in request.GET or not bill.is_stripes:
        return _seats(request, desk, bill, SeatsForm(initial={"seats": bill.seats.next}))
    form = SeatsForm(request.GET)
    return _seats(request, desk, bill, form, **_asked(desk, bill, form))


@page("POST")
def buy(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Buy what was previewed. If it costs something else by now, the new price is shown instead."""
    form = PricedSeatsForm(request.POST)
    if not form.is_valid():
        return redirect("billing_seats")
    shown = SeatPreview(**form.cleaned_data)
    try:
        buy_seats(desk.id, shown, actor=desk.actor)
    except Refusal as refusal:
        return _refused(request, desk, shown.seats, refusal)
    messages.success(request, f"You have {shown.seats} seats now. Charged for them: {text(shown.amount_now, shown.currency)}.")
    return redirect("billing_seats")


@page("POST")
def lower(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Fewer from the next renewal on; until then nothing changes."""
    form = SeatsForm(request.POST)
    if not form.is_valid():
        return _seats(request, desk, bill_of(desk.account), form, status=UNPROCESSABLE)
    number: int = form.cleaned_data["seats"]
    try:
        lower_seats_at_renewal(desk.id, number, actor=desk.actor)
    except Refusal as refusal:
        return _refused(request, desk, number, refusal)
    messages.success(request, f"{number} seats from the next renewal on. Until then nothing changes.")
    return redirect("billing_seats")


def _asked(desk: Desk, bill: Bill, form: SeatsForm) -> dict[str, Any]:
    """What the number that was typed comes to: more now, fewer later, or nothing."""
    if not form.is_valid():
        return {"status": UNPROCESSABLE}
    number: int = form.cleaned_data["seats"]
    if number <= bill.seats.bought:
        return {"fewer": number} if number != bill.seats.next else {"same": number}
    try:
        preview = preview_seats(desk.id, number)
        return {"preview": preview, "priced": _priced(preview)}
    except Refusal as refusal:
        refuse(form, refusal, field="seats")
        return {"status": UNPROCESSABLE}


def _priced(preview: SeatPreview) -> PricedSeatsForm:
    """The preview as hidden fields: what is bought is what was shown."""
    return PricedSeatsForm(initial={name: getattr(preview, name) for name in PricedSeatsForm.base_fields}, auto_id=False)


def _refused(request: HttpRequest, desk: Desk, number: int, refusal: Exception) -> HttpResponse:
    """The page again, with why; a price that has changed is shown anew."""
    bill, form = bill_of(desk.account), SeatsForm({"seats": number})
    found = _asked(desk, bill, form) if isinstance(refusal, Conflict) else {}
    refuse(form, refusal, field="seats")
    return _seats(request, desk, bill, form, **found | {"status": UNPROCESSABLE})


def _seats(request: HttpRequest, desk: Desk, bill: Bill, form: SeatsForm, **context: Any) -> HttpResponse:
    renews: datetime | None = bill.subscription.seat_period_end if bill.subscription else None
    return show(request, desk, "seats", bill=bill, form=form, holders=holders_of(desk.id), renews=renews, **context)
