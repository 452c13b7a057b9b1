"""One tenant's money: where it stands, what happened, and what staff may do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.clock import now
from billing.models import BillingAccount, Invoice, SupportVisit
from billing.periods import period_of
from billing.plans import METER_NAMES
from billing.roles import StaffMay, may
from billing.selectors.plans import live_subscription, plan_of
from billing.selectors.staff.tenants import tenant_row
from billing.selectors.staff.timeline import timeline
from billing.selectors.usage import daily, used
from billing.services import access, adjustments, visits
from billing.services.audit import Actor
from billing.staff import forms
from billing.staff.charts import NARROW, Chart, chart
from billing.staff.roles import for_staff_who
from billing.staff.tables import Cell, Table, label, moment, money, number, show
from saas.core.errors import AppError, Forbidden
from saas.core.http import client_ip
from tenants.selectors import tenant_url

KINDS: Final = ("access", "invoice", "seats", "plan", "adjustment", "asked", "webhook", "visit", "act")
Act = Callable[[HttpRequest, BillingAccount, Any], str]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something staff do on this page: what it is called, its form, who may, and the sentence that it leaves behind."""

    name: str
    words: str
    form: type[forms.ReasonForm]
    who: StaffMay
    do: Act
    is_grave: bool = False


@for_staff_who(StaffMay.LOOK)
def tenant(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    """Everything about one tenant."""
    return _page(request, _account(tenant_id))


@require_POST
@for_staff_who(StaffMay.LOOK)
def act(request: HttpRequest, tenant_id: UUID, deed: str) -> HttpResponse:
    """Do one thing. A form that is not in order comes back with what was typed."""
    account, wanted = _account(tenant_id), DEEDS.get(deed)
    if wanted is None:
        raise Http404
    form = wanted.form(account, request.POST)
    if not form.is_valid():
        return _page(request, account, opened={deed: form}, status=422)
    try:
        if not may(_staff(request), wanted.who):
            raise Forbidden(f"Your group may not {wanted.who}.")
        messages.success(request, wanted.do(request, account, form))
    except AppError as error:
        is_of_field = error.field in form.fields
        form.add_error(error.field if is_of_field else None, error.message)
        return _page(request, account, opened={deed: form}, status=422 if is_of_field else error.status)
    return redirect("admin:money_tenant", tenant_id)


def _account(tenant_id: UUID) -> BillingAccount:
    account = BillingAccount.objects.select_related("tenant").filter(pk=tenant_id).first()
    if account is None:
        raise Http404
    return account


def _staff(request: HttpRequest) -> Any:
    return request.user


def _actor(request: HttpRequest) -> Actor:
    return Actor(_staff(request).email, is_staff=True, address=client_ip(request))


def _page(
    request: HttpRequest, account: BillingAccount, *, opened: dict[str, forms.ReasonForm] | None = None, status: int = 200
) -> HttpResponse:
    kind = request.GET.get("kind", "")
    given = opened or {}
    staff = _staff(request)
    deeds = [
        (name, deed, given.get(name) or deed.form(account), name in given)
        for name, deed in DEEDS.items()
        if may(staff, deed.who) and _fits(account, name)
    ]
    return show(
        request,
        "tenant",
        account.tenant.name,
        status=status,
        at=reverse("admin:money_tenant", args=(account.pk,)),  # its links lead to the page itself, whatever form was sent
        account=account,
        row=tenant_row(account.pk),
        subscription=live_subscription(account.pk),
        plan=plan_of(account.pk),
        period=period_of(account.pk, now()),
        meters=_meters(account),
        entries=timeline(account.pk, kind=kind),
        kinds=KINDS,
        kind=kind,
        invoices=_invoices(account),
        visit=SupportVisit.for_tenant(account.pk).filter(staff=staff, ended_at=None, ends_at__gt=now()).first(),
        inbox=tenant_url(account.tenant.slug, "/inbox/"),
        deeds=deeds,
        moment=now(),
    )


def _fits(account: BillingAccount, name: str) -> bool:
    """Whether the deed would change anything as things are."""
    return {"suspend": not account.suspended_by_staff, "resume": account.suspended_by_staff}.get(name, True)


def _meters(account: BillingAccount) -> list[dict[str, Any]]:
    period, plan = period_of(account.pk, now()), plan_of(account.pk)
    totals = used(account.pk, period)
    return [
        {
            "name": name,
            "used": totals.get(meter, 0),
            "included": plan.meters[meter].included,
            "chart": _days([(day.day.strftime("%d %b"), day.quantity) for day in daily(account.pk, meter, period)]),
        }
        for meter, name in METER_NAMES.items()
    ]


def _days(days: list[tuple[str, int]]) -> Chart:
    every = max(1, len(days) // 5)
    return chart(
        [
            (name if place % every == 0 else "", [("usage", float(amount), f"{name}: {amount:,}")], None)
            for place, (name, amount) in enumerate(days)
        ],
        width=NARROW,
    )


def _invoices(account: BillingAccount) -> Table:
    rows = Invoice.for_tenant(account.pk).order_by("-created_at")[:24]
    columns = ("Invoice", "Made at", "Total", "Paid", "Credited", "State", "Attempts", "Why not")
    return Table("invoices", columns, [_invoice(row) for row in rows], empty="No invoice yet.")


def _invoice(row: Invoice) -> list[Cell]:
    return [
        Cell(str(row), href=row.hosted_url),
        moment(row.created_at),
        money(row.total, row.currency),
        money(row.amount_paid, row.currency),
        money(row.credited, row.currency),
        label(row.status),
        number(row.attempt_count),
        Cell(row.decline_reason),
    ]


def _adjust(request: HttpRequest, account: BillingAccount, form: Any) -> str:
    made = adjustments.ask(form.asked(), by=_staff(request))
    if made.status == made.Status.WAITING:
        return (
            "With what you gave this tenant in the last 30 days that is above what one person gives alone: "
            "somebody else must approve it, under Credits, comps and corrections."
        )
    return f"{made.get_kind_display()}: {made.get_status_display().lower()}. {made.error}".strip()


def _suspend(request: HttpRequest, account: BillingAccount, form: Any) -> str:
    access.suspend(account.pk, actor=_actor(request), reason=form.cleaned_data["reason"])
    return f"{account.tenant.name} is suspended. A payment does not lift that."


def _resume(request: HttpRequest, account: BillingAccount, form: Any) -> str:
    access.lift(account.pk, actor=_actor(request), reason=form.cleaned_data["reason"])
    return f"{account.tenant.name} is as its payments say again."


def _hold(request: HttpRequest, account: BillingAccount, form: Any) -> str:
    access.hold(account.pk, until=form.moment(), actor=_actor(request), reason=form.cleaned_data["reason"])
    return f"No step down before {form.moment():%Y-%m-%d %H:%M} UTC."


def _visit(request: HttpRequest, account: BillingAccount, form: Any) -> str:
    said = form.cleaned_data
    visit = visits.begin(account.pk, staff=_staff(request), reason=said["reason"], length=timedelta(hours=said["hours"]))
    return f"You may look in until {visit.ends_at:%H:%M} UTC. The tenant sees that you do, and why."


@require_POST
@for_staff_who(StaffMay.HOLD)
def end_visit(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    """End one's own visit."""
    for visit in SupportVisit.for_tenant(tenant_id).filter(staff=_staff(request), ended_at=None):
        visits.end(visit.id, actor=_actor(request))
    return redirect("admin:money_tenant", tenant_id)


DEEDS: Final[dict[str, Deed]] = {
    "credit": Deed(
        "Give a credit", "On the customer's balance; the next invoices use it up.", forms.CreditForm, StaffMay.MOVE_MONEY, _adjust
    ),
    "credit-note": Deed(
        "Credit an invoice", "Takes back a part of one invoice.", forms.CreditNoteForm, StaffMay.MOVE_MONEY, _adjust
    ),
    "comp": Deed(
        "Give a plan",
        "For nothing, until a day. For tenants without a subscription.",
        forms.CompForm,
        StaffMay.MOVE_MONEY,
        _adjust,
    ),
    "waive": Deed("Waive usage", "Lets a batch go that Stripe has not counted.", forms.WaiveForm, StaffMay.MOVE_MONEY, _adjust),
    "usage": Deed("Correct usage", "Takes back units that were counted wrongly.", forms.UsageForm, StaffMay.MOVE_MONEY, _adjust),
    "hold": Deed("Hold", "No step down for unpaid invoices before the end of a day.", forms.UntilForm, StaffMay.HOLD, _hold),
    "visit": Deed(
        "Look in", "As somebody who reads and changes nothing, if its owner agreed.", forms.VisitForm, StaffMay.HOLD, _visit
    ),
    "suspend": Deed(
        "Suspend", "Its chat says that it is unavailable.", forms.ReasonForm, StaffMay.MOVE_MONEY, _suspend, is_grave=True
    ),
    "resume": Deed("Lift the suspension", "It is as its payments say again.", forms.ReasonForm, StaffMay.MOVE_MONEY, _resume),
}
