"""The lists of the console: tenants, failed payments, what waits for a second person, what was done."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.gateway.errors import StripeError
from billing.models import Adjustment, BillingAccount, BillingAudit, Invoice
from billing.models.usage import Meter
from billing.plans import METER_NAMES, PLANS
from billing.roles import StaffMay, may
from billing.selectors.staff.payments import FailedPayment, failed_payments
from billing.selectors.staff.tenants import SORTS, TenantRow, Wanted, tenant_page
from billing.services import adjustments
from billing.services.audit import Actor
from billing.services.stripe.invoices import pay_invoice
from billing.staff.roles import for_staff_who
from billing.staff.tables import Cell, Table, label, moment, money, number, show
from saas.core.errors import AppError
from saas.core.http import client_ip

ALL: Final = 100_000  # rows of a download
PER_PAGE: Final = 100
TENANT_COLUMNS: Final = (
    "Tenant",
    "Plan",
    "Access",
    "Seats used",
    "Seats bought",
    *(f"{meter.label}s, %" if meter != Meter.STORAGE else f"{meter.label}, %" for meter in METER_NAMES),
    "Overage so far",
    "MRR",
    "Access since",
    "Last payment",
    "Paid at",
)


def page_of(tenant_id: UUID) -> str:
    """The address of a tenant's page."""
    return reverse("admin:money_tenant", args=[tenant_id])


@for_staff_who(StaffMay.LOOK)
def tenants(request: HttpRequest) -> HttpResponse:
    """All tenants, searched, filtered, sorted."""
    wanted = _wanted(request)
    found = tenant_page(wanted, size=ALL) if request.GET.get("csv") else tenant_page(wanted)
    choices = {"access": BillingAccount.Access.values, "plan": [plan.key for plan in PLANS], "sort": list(SORTS)}
    table = Table("tenants", TENANT_COLUMNS, [_tenant(row) for row in found.rows], empty="No tenant is like that.")
    return show(request, "tenants", "Tenants and money", table=table, found=found, wanted=wanted, choices=choices)


def _wanted(request: HttpRequest) -> Wanted:
    given = request.GET
    page = given.get("page", "1")
    return Wanted(
        words=given.get("q", "")[:100],
        access=given.get("access", ""),
        plan=given.get("plan", ""),
        sort=given.get("sort", "since"),
        page=int(page) if page.isdecimal() else 1,
    )


def _tenant(row: TenantRow) -> list[Cell]:
    plan = f"{row.plan}, {row.status.replace('_', ' ')}" if row.status and row.status != "active" else row.plan
    return [
        Cell(row.name, href=page_of(row.id)),
        Cell(plan),
        label(row.access),
        number(row.seats_used),
        number(row.seats_bought),
        *(number(row.percents[str(meter)], " %") for meter in METER_NAMES),
        money(row.overage, row.currency),
        money(row.mrr, row.currency),
        moment(row.access_since),
        money(row.last_paid, row.currency),
        moment(row.last_paid_at),
    ]


@for_staff_who(StaffMay.LOOK)
def payments(request: HttpRequest) -> HttpResponse:
    """Invoices that a card did not pay."""
    columns = ("Tenant", "Invoice", "Owed", "Why", "Attempt", "Next retry", "Access", "Days in it", "Held until")
    rows = failed_payments()
    table = Table("failed-payments", columns, [_payment(row) for row in rows], empty="Every payment went through.")
    can = may(request.user, StaffMay.MOVE_MONEY)  # type: ignore[arg-type]  # staff alone come here
    return show(request, "payments", "Failed payments", table=table, rows=rows if can else [])


@require_POST
@for_staff_who(StaffMay.MOVE_MONEY)
def retry(request: HttpRequest, stripe_id: str) -> HttpResponse:
    """Charge the card on file once more, now."""
    invoice = get_object_or_404(Invoice, stripe_id=stripe_id)
    actor = Actor(request.user.email, is_staff=True, address=client_ip(request))  # type: ignore[union-attr]  # staff alone
    try:
        pay_invoice(invoice.account_id, invoice, actor=actor)
    except (AppError, StripeError) as error:
        messages.error(request, f"{invoice}: {error}")
    else:
        messages.success(request, f"{invoice} is paid.")
    return redirect("admin:money_payments")


def _payment(row: FailedPayment) -> list[Cell]:
    return [
        Cell(row.tenant, href=page_of(row.tenant_id)),
        Cell(row.number or row.invoice),
        money(row.amount, row.currency),
        Cell(row.decline_reason or "not said"),
        number(row.attempt),
        moment(row.next_retry),
        label(row.access),
        number(row.days_in_state),
        moment(row.held_until),
    ]


@for_staff_who(StaffMay.LOOK)
def asked(request: HttpRequest) -> HttpResponse:
    """Adjustments: those that wait for a second person first."""
    rows = Adjustment.objects.select_related("account__tenant", "requested_by", "approved_by").order_by("-requested_at")
    waiting = list(rows.filter(status=Adjustment.Status.WAITING)[:PER_PAGE])
    others = rows.exclude(status=Adjustment.Status.WAITING)[: ALL if request.GET.get("csv") else PER_PAGE]
    columns = ("Asked at", "Tenant", "What", "Worth", "State", "Why", "Asked by", "Approved by", "At Stripe", "Complaint")
    table = Table("adjustments", columns, [_adjustment(row) for row in others], empty="Nothing was given yet.")
    can = may(request.user, StaffMay.MOVE_MONEY)  # type: ignore[arg-type]  # staff alone come here
    stuck = list(rows.filter(status__in=(Adjustment.Status.APPROVED, Adjustment.Status.FAILED))[:PER_PAGE]) if can else []
    return show(request, "adjustments", "Credits, comps and corrections", table=table, waiting=waiting, stuck=stuck, can=can)


def _adjustment(row: Adjustment) -> list[Cell]:
    return [
        moment(row.requested_at),
        Cell(row.account.tenant.name, href=page_of(row.account_id)),
        Cell(row.get_kind_display()),
        number(row.amount, f" {row.meter}") if row.meter else money(row.amount, row.currency or "usd"),
        label(row.status),
        Cell(row.reason),
        Cell(row.requested_by.email),
        Cell(row.approved_by.email if row.approved_by else ""),
        Cell(row.stripe_ref),
        Cell(row.error),
    ]


@require_POST
@for_staff_who(StaffMay.MOVE_MONEY)
def settle(request: HttpRequest, adjustment_id: UUID, verdict: str) -> HttpResponse:
    """Approve, decline, or try one again that failed."""
    user: Any = request.user
    try:
        if verdict == "approve":
            done = adjustments.approve(adjustment_id, by=user)
        elif verdict == "decline":
            done = adjustments.decline(adjustment_id, by=user, reason=request.POST.get("reason", ""))
        else:
            done = adjustments.carry_out(adjustment_id, by=user)
        say = messages.warning if done.error else messages.success
        say(request, f"{done.get_kind_display()}: {done.get_status_display().lower()}. {done.error}".strip())
    except AppError as error:
        messages.error(request, error.message)
    return redirect("admin:money_adjustments")


@for_staff_who(StaffMay.LOOK)
def audit(request: HttpRequest) -> HttpResponse:
    """Everything that was done with money, access and second factors, by words, person or tenant."""
    words = request.GET.get("q", "").strip()[:100]
    rows = BillingAudit.objects.order_by("-at")
    if words:
        by_tenant = Q(tenant_id__in=BillingAccount.objects.filter(tenant__name__icontains=words).values("pk"))
        said = Q(action__icontains=words) | Q(actor__icontains=words) | Q(reason__icontains=words)
        rows = rows.filter(said | Q(after__person__icontains=words) | by_tenant)
    page = Paginator(rows, ALL if request.GET.get("csv") else PER_PAGE).get_page(request.GET.get("page"))
    entries = list(page.object_list)
    ids = {row.tenant_id for row in entries if row.tenant_id}
    names = dict(BillingAccount.objects.filter(pk__in=ids).values_list("pk", "tenant__name"))
    columns = ("At", "Tenant", "What", "Who", "Why", "Before", "After", "From")
    table = Table("audit", columns, [_act(row, names) for row in entries], empty="Nothing was done that is like that.")
    return show(request, "audit", "What was done", table=table, page=page, words=words)


def _act(row: BillingAudit, names: dict[UUID, str]) -> list[Cell]:
    who = f"{row.actor} (staff)" if row.is_staff else row.actor or "the clock"
    tenant = Cell(names.get(row.tenant_id, ""), href=page_of(row.tenant_id)) if row.tenant_id else Cell("")
    return [
        moment(row.at),
        tenant,
        Cell(row.action),
        Cell(who),
        Cell(row.reason),
        Cell(_values(row.before)),
        Cell(_values(row.after)),
        Cell(row.address),
    ]


def _values(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value not in ("", None))
