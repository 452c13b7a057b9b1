"""Settings of a tenant's billing: what stands on invoices, who is written to, the cap, and whether support may look in."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from billing.clock import now
from billing.forms import ConsentForm, ContactForm, DetailsForm, LimitsForm
from billing.money import MINOR
from billing.selectors.audit import last_actor
from billing.selectors.tenancy import contacts_of, visits_of
from billing.services import details, visits
from billing.services.access import settle
from billing.services.stripe.customer import tell_customer
from billing.views.gate import READ, Desk, page
from billing.views.pages import UNPROCESSABLE, Refusal, refuse, show
from saas.core.errors import ChangedSince, NotFound
from saas.core.forms import SeenForm
from tenants.access import Do, may
from tenants.models import User

DETAILS: Final = ("billing_name", "billing_email", "country", "tax_id_type", "tax_id", "time_zone")
LIMITS: Final = ("spend_cap", "alerts_by_mail")


@page(*READ)
def settings(request: HttpRequest, desk: Desk) -> HttpResponse:
    """All of it on one page; each part is kept by itself."""
    return _settings(request, desk)


@page("POST")
def keep(request: HttpRequest, desk: Desk, part: str) -> HttpResponse:
    """Keep one part. What is refused stands on the page again as it was typed."""
    if part not in PARTS:
        raise NotFound(f"There is no part {part!r}.")
    one = PARTS[part]
    form = one.form(desk, request.POST)
    if form.is_valid():
        try:
            words = one.keep(desk, form)
        except ChangedSince as changed:
            return _settings(request, desk, **{part: _both(desk, form, changed)}, status=ChangedSince.status)
        except Refusal as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, words)
            return redirect("billing_settings")
    return _settings(request, desk, **{part: form}, status=UNPROCESSABLE)


@page("POST")
def remove_contact(request: HttpRequest, desk: Desk, contact_id: UUID) -> HttpResponse:
    email = details.remove_contact(desk.id, contact_id, actor=desk.actor)
    messages.success(request, f"{email} gets no more of it.")
    return redirect("billing_settings")


@page("POST")
def end_consent(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Support looks in no longer, at once."""
    visits.consent(desk.id, until=None, by=_user(desk))
    messages.success(request, "Support can no longer look in.")
    return redirect("billing_settings")


def _settings(request: HttpRequest, desk: Desk, *, status: int = 200, **refused: forms.Form) -> HttpResponse:
    shown = {name: refused.get(name) or part.form(desk, None) for name, part in PARTS.items()}
    until = desk.account.support_until
    context: dict[str, Any] = {
        "forms": shown,
        "contacts": contacts_of(desk.id),
        "visits": visits_of(desk.id),
        "support_until": until if until and until > now() else None,
        "support_by": desk.account.support_by,
        "may_close": may(desk.member.role, Do.MANAGE_TENANT),
    }
    return show(request, desk, "settings", status=status, **context)


def _both(desk: Desk, form: forms.Form, changed: ChangedSince) -> forms.Form:
    """The form with what was typed, and what somebody else has kept meanwhile."""
    assert isinstance(form, SeenForm)
    form.refuse(changed, by=last_actor(desk.id, "details.change"))
    return form


def _details_form(desk: Desk, data: Any) -> DetailsForm:
    return DetailsForm(data, shown={name: getattr(desk.account, name) for name in DETAILS}, auto_id="details_%s")


def _keep_details(desk: Desk, form: forms.Form) -> str:
    """In Stripe first: what it refuses, such as a tax ID that is none, is not kept here either."""
    values, seen = {name: form.cleaned_data[name] for name in DETAILS}, form.cleaned_data["seen"]
    details.refuse_stale(desk.id, DETAILS, seen)
    tell_customer(desk.id, values, actor=desk.actor)
    details.change_details(desk.id, values, actor=desk.actor, seen=seen)
    return "Kept. The next invoice has it."


def _limits_form(desk: Desk, data: Any) -> LimitsForm:
    shown = {name: getattr(desk.account, name) for name in LIMITS}
    cap = desk.account.spend_cap
    initial = shown | {"spend_cap": None if cap is None else Decimal(cap) / MINOR}
    return LimitsForm(data, shown=shown, initial=initial, currency=desk.account.currency, auto_id="limits_%s")


def _keep_limits(desk: Desk, form: forms.Form) -> str:
    """A higher cap opens at once what a lower one had stopped."""
    values = {name: form.cleaned_data[name] for name in LIMITS}
    details.change_details(desk.id, values, actor=desk.actor, seen=form.cleaned_data["seen"])
    settle(desk.id, actor=desk.actor)
    return "Kept. It counts from now on."


def _contact_form(desk: Desk, data: Any) -> ContactForm:
    return ContactForm(data, auto_id="contact_%s")


def _keep_contact(desk: Desk, form: forms.Form) -> str:
    email: str = form.cleaned_data["email"]
    details.add_contact(desk.id, email, actor=desk.actor)
    return f"{email} gets what is written about money from now on."


def _support_form(desk: Desk, data: Any) -> ConsentForm:
    return ConsentForm(data, auto_id="support_%s")


def _keep_support(desk: Desk, form: forms.Form) -> str:
    visits.consent(desk.id, until=now() + form.cleaned_data["length"], by=_user(desk))
    return "Support can look in now. You see each visit here, and can end it at any time."


def _user(desk: Desk) -> User:
    return User.objects.get(id=desk.member.user_id)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the page: its form, and what keeping it does and says."""

    form: Callable[[Desk, Any], forms.Form]
    keep: Callable[[Desk, forms.Form], str]


PARTS: Final[dict[str, Part]] = {
    "details": Part(_details_form, _keep_details),
    "limits": Part(_limits_form, _keep_limits),
    "contact": Part(_contact_form, _keep_contact),
    "support": Part(_support_form, _keep_support),
}
