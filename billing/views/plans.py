"""Choosing a plan, and changing it: a first one goes by Checkout, another one by a preview that says what is charged and when."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from billing.forms import CouponForm, OrderForm, PricedChangeForm
from billing.money import text
from billing.plans import PLANS, Plan
from billing.selectors.bill import Bill, bill_of
from billing.selectors.offers import INTERVALS, Offer, offers, paid_plan, saved
from billing.services.stripe.checkout import start_checkout
from billing.services.stripe.plan_change import ChangePreview, apply_coupon, change, preview_change
from billing.views.acts import acts_for
from billing.views.gate import READ, Desk, page
from billing.views.notices import day
from billing.views.pages import UNPROCESSABLE, Refusal, refuse, show, words_of
from saas.core.errors import NotFound

PAID: Final = [plan for plan in PLANS if not plan.is_free]


@page(*READ)
def plans(request: HttpRequest, desk: Desk) -> HttpResponse:
    """All plans, by the month or by the year; what the tenant has stands out."""
    return _plans(request, desk)


@page("POST")
def coupon(request: HttpRequest, desk: Desk) -> HttpResponse:
    """A coupon for the subscription that there is."""
    form = CouponForm(request.POST)
    if form.is_valid():
        try:
            apply_coupon(desk.id, form.cleaned_data["coupon"], actor=desk.actor)
        except Refusal as refusal:
            refuse(form, refusal, field="coupon")
        else:
            messages.success(request, f"{form.cleaned_data['coupon']} counts from the next invoice on.")
            return redirect("billing_plans")
    return _plans(request, desk, coupon_form=form, status=UNPROCESSABLE)


@page(*READ, "POST")
def plan(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Order a plan, or change to it."""
    found, bill = paid_plan(key), bill_of(desk.account)
    if found is None:
        raise NotFound(f"There is no plan {key!r} to be paid for.")
    return _change(request, desk, bill, found) if bill.is_stripes else _order(request, desk, bill, found)


def _plans(request: HttpRequest, desk: Desk, *, coupon_form: CouponForm | None = None, status: int = 200) -> HttpResponse:
    bill = bill_of(desk.account)
    interval = _interval(request, bill)
    following = bill.subscription.next_plan.key if bill.subscription and bill.subscription.next_plan else ""
    context = {
        "interval": interval,
        "offers": [_linked(bill, offer) for offer in offers(bill.plan.key, interval, following=following)],
        "saved": saved(PAID[0]),
        "acts": acts_for(bill),
        "may_try": desk.account.trial_used_at is None,
        "coupon_form": coupon_form or CouponForm(),
    }
    return show(request, desk, "plans", bill=bill, status=status, **context)


def _linked(bill: Bill, offer: Offer) -> dict[str, Any]:
    """An offer with where it leads: nowhere from what one has already."""
    shown = {name: getattr(offer, name) for name in ("plan", "is_mine", "is_next", "price", "paid", "parts")}
    here = bill.subscription.interval if bill.subscription else ""
    is_same = bill.is_stripes and offer.is_mine and offer.interval == here
    button = f"Change to {offer.plan.name}" if bill.is_stripes else f"Choose {offer.plan.name}"
    if bill.is_stripes and offer.is_mine:
        button = f"Pay {INTERVALS[offer.interval].lower()}"
    url = "" if is_same or offer.is_next else f"/billing/plans/{offer.plan.key}/?interval={offer.interval}"
    return shown | {"url": url, "button": button}


def _order(request: HttpRequest, desk: Desk, bill: Bill, found: Plan) -> HttpResponse:
    least = max(found.least_seats, bill.seats.used)
    form = OrderForm(
        request.POST or None,
        intervals=list(INTERVALS.items()),
        least=least,
        may_try=desk.account.trial_used_at is None,
        initial={"interval": _interval(request, bill), "seats": least},
    )
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(_checkout(desk, found, form.cleaned_data))
        except Refusal as refusal:
            refuse(form, refusal, field="coupon" if form.cleaned_data["coupon"] and _is_of_coupon(refusal) else None)
    return show(request, desk, "order", bill=bill, plan=found, form=form, status=UNPROCESSABLE if form.errors else 200)


def _checkout(desk: Desk, found: Plan, said: dict[str, Any]) -> str:
    return start_checkout(
        desk.tenant,
        desk.actor,
        plan_key=found.key,
        interval=said["interval"],
        seats=said["seats"],
        trial=bool(said.get("trial")),
        coupon=said["coupon"],
    )


def _is_of_coupon(refusal: Exception) -> bool:
    return "coupon" in words_of(refusal).lower() or "code" in words_of(refusal).lower()


def _change(request: HttpRequest, desk: Desk, bill: Bill, found: Plan) -> HttpResponse:
    """A GET shows what it costs, a POST does what was shown."""
    interval, refused = _interval(request, bill), ""
    sent = PricedChangeForm(request.POST) if request.method == "POST" else None
    if sent and sent.is_valid():
        try:
            preview = ChangePreview(plan_key=found.key, lines=(), **sent.cleaned_data)
            change(desk.id, preview, actor=desk.actor)
        except Refusal as refusal:
            refused = words_of(refusal)
        else:
            messages.success(request, _changed(found, preview))
            return redirect("billing_plans")
    return _change_page(request, desk, bill, found, interval, refused)


def _interval(request: HttpRequest, bill: Bill) -> str:
    asked = request.POST.get("interval") or request.GET.get("interval") or ""
    return asked if asked in INTERVALS else bill.subscription.interval if bill.subscription else "month"


def _change_page(request: HttpRequest, desk: Desk, bill: Bill, found: Plan, interval: str, refused: str) -> HttpResponse:
    """What the change costs now, read anew; after a refusal with why."""
    preview, form = None, None
    try:
        preview = preview_change(desk.id, plan_key=found.key, interval=interval)
        form = PricedChangeForm(initial={name: getattr(preview, name) for name in PricedChangeForm.base_fields})
    except Refusal as refusal:
        refused = refused or words_of(refusal)
    context = {"plan": found, "interval": interval, "preview": preview, "form": form, "refused": refused}
    return show(request, desk, "change", bill=bill, status=UNPROCESSABLE if refused else 200, **context)


def _changed(found: Plan, preview: ChangePreview) -> str:
    if preview.is_now:
        return f"You have {found.name} now. {text(preview.amount_now, preview.currency)} were charged."
    return f"{found.name} begins on {day(preview.renews_at)}. Until then nothing changes."
