"""Whether what was used reaches Stripe, whether Stripe's words reach us, and where both sides differ."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from billing.clock import now
from billing.models import Difference, MeterReport, ReconciliationRun, StripeEvent
from billing.models.usage import Meter
from billing.plans import METER_NAMES
from billing.reporting.health import health
from billing.roles import StaffMay, may
from billing.services import adjustments, batches
from billing.services.asked import Asked
from billing.services.audit import Actor, record
from billing.services.stripe.working import handle_event
from billing.staff.forms import CountedForm
from billing.staff.lists import page_of
from billing.staff.roles import for_staff_who
from billing.staff.tables import Cell, Table, label, moment, number, show
from saas.core.errors import AppError, BadFrame
from saas.core.jobs import defer

MOST: Final = 200
OPEN: Final = ("pending", "sending", "verify", "rejected", "held")
BAD: Final = ("verify", "rejected")


@for_staff_who(StaffMay.LOOK)
def metering(request: HttpRequest) -> HttpResponse:
    """The health of batches, webhooks and reconciliation on one page."""
    can = may(request.user, StaffMay.MOVE_MONEY)  # type: ignore[arg-type]  # staff alone come here
    differences = list(_differences())
    return show(
        request,
        "metering",
        "Metering, webhooks, reconciliation",
        health=health(),
        batches=_batches(request),
        open_batches=_open_batches() if can else [],
        differences=_difference_table(differences),
        open_differences=[row for row in differences if row.state == Difference.State.OPEN] if can else [],
        events=_events(),
        troubled=_troubled() if can else [],
        runs=_runs(),
    )


def _batches(request: HttpRequest) -> Table:
    wanted = request.GET.get("status", "")
    statuses = (wanted,) if wanted in MeterReport.Status.values else BAD
    rows = MeterReport.objects.filter(status__in=statuses).select_related("account__tenant").order_by("window_start")[:MOST]
    columns = ("Tenant", "Meter", "Window", "Part", "Quantity", "State", "Attempts", "First sent", "Complaint", "Identifier")
    return Table("batches", columns, [_batch(row) for row in rows], empty="No batch is in this state.")


def _open_batches() -> list[tuple[MeterReport, UUID]]:
    """Those that wait for a person, each with the key of its form."""
    rows = MeterReport.objects.filter(status__in=BAD).select_related("account__tenant").order_by("window_start")[:MOST]
    return [(row, uuid4()) for row in rows]


def _batch(row: MeterReport) -> list[Cell]:
    return [
        Cell(row.account.tenant.name, href=page_of(row.account_id)),
        Cell(METER_NAMES[Meter(row.meter)]),
        moment(row.window_start),
        number(row.seq),
        number(row.quantity),
        label(row.status),
        number(row.attempts),
        moment(row.first_sent_at),
        Cell(row.error),
        Cell(row.identifier),
    ]


def _differences() -> Any:
    return Difference.objects.select_related("account__tenant", "run").order_by("-run__started_at", "account__tenant__name")[
        :MOST
    ]


def _difference_table(rows: list[Difference]) -> Table:
    columns = ("Found at", "Tenant", "What", "Of", "Ours", "Stripe's", "Stripe less ours", "State", "Note")
    return Table("differences", columns, [_difference(row) for row in rows], empty="Both sides say the same.")


def _difference(row: Difference) -> list[Cell]:
    what = METER_NAMES[Meter(row.meter)] if row.meter else row.kind
    return [
        moment(row.run.started_at),
        Cell(row.account.tenant.name, href=page_of(row.account_id)),
        Cell(what),
        Cell(str(row.day) if row.day else row.subject),
        number(row.ours),
        number(row.stripe),
        number(row.delta),
        label(row.state),
        Cell(row.note),
    ]


def _troubled() -> list[StripeEvent]:
    return list(StripeEvent.objects.filter(status__in=("failed", "unknown")).order_by("received_at")[:MOST])


def _events() -> Table:
    rows = StripeEvent.objects.order_by("-received_at")[:MOST]
    columns = ("Received", "Type", "Object", "State", "Attempts", "Complaint", "API version", "Event")
    return Table("webhooks", columns, [_event(row) for row in rows], empty="Stripe has said nothing yet.")


def _event(row: StripeEvent) -> list[Cell]:
    return [
        moment(row.received_at),
        Cell(row.type),
        Cell(row.object_id),
        label(row.status),
        number(row.attempts),
        Cell(row.error),
        Cell(row.api_version),
        Cell(row.id),
    ]


def _runs() -> Table:
    rows = ReconciliationRun.objects.order_by("-started_at")[:30]
    columns = ("Begun", "Ended", "Tenants", "Compared", "Differences", "Complaint")
    return Table("reconciliations", columns, [_run(row) for row in rows], empty="Nothing was compared yet.")


def _run(row: ReconciliationRun) -> list[Cell]:
    return [
        moment(row.started_at),
        moment(row.finished_at),
        number(row.tenants),
        number(row.compared),
        number(row.differences),
        Cell(row.error),
    ]


@require_POST
@for_staff_who(StaffMay.MOVE_MONEY)
def accept(request: HttpRequest, difference_id: UUID) -> HttpResponse:
    """Settle a difference with words. Nothing is corrected by it."""
    note = request.POST.get("note", "").strip()
    if not note:
        messages.error(request, "Say why this difference stays.")
        return redirect("admin:money_metering")
    open_ones = Difference.objects.filter(id=difference_id, state=Difference.State.OPEN)
    if not open_ones.update(state=Difference.State.ACCEPTED, note=note, settled_at=now()):
        messages.error(request, "That difference is settled already.")
        return redirect("admin:money_metering")
    found = Difference.objects.get(id=difference_id)
    record("difference.accept", tenant_id=found.account_id, actor=_actor(request), after={"delta": found.delta}, reason=note)
    messages.success(request, "Settled.")
    return redirect("admin:money_metering")


@require_POST
@for_staff_who(StaffMay.MOVE_MONEY)
def batch(request: HttpRequest, verdict: str) -> HttpResponse:
    """Say of a batch whether Stripe counted it, or have one sent again that Stripe could not use."""
    if verdict not in VERDICTS:
        raise Http404
    try:
        messages.success(request, VERDICTS[verdict](request))
    except AppError as error:
        messages.error(request, error.message)
    return redirect("admin:money_metering")


def _counted(request: HttpRequest) -> str:
    """What Stripe is said to have is not told to it any more: money given away if it is not so, so it is an adjustment."""
    found, form = batches.doubted(request.POST.get("identifier", "")), CountedForm(request.POST)
    if not form.is_valid():
        raise BadFrame("Say why: it is kept for good.", field="reason")
    said = form.cleaned_data
    asked = Asked("counted", found.account_id, said["reason"], said["form_key"], subject=found.identifier)
    made = adjustments.ask(asked, by=request.user)  # type: ignore[arg-type]  # staff alone come here
    if made.status == made.Status.WAITING:
        return (
            f"{found.identifier}: with what you gave this tenant in the last 30 days that is above what one person gives alone. "
            "Somebody else must approve it, under Credits, comps and corrections."
        )
    return f"{found.identifier}: {made.get_status_display().lower()}. {made.error}".strip()


def _missing(request: HttpRequest) -> str:
    identifier = request.POST.get("identifier", "")
    batches.send_missing(identifier, actor=_actor(request), reason=request.POST.get("reason", ""))
    return f"{identifier}: it is sent within a minute."


def _again(request: HttpRequest) -> str:
    identifier = request.POST.get("identifier", "")
    new = batches.send_again(identifier, actor=_actor(request), reason=request.POST.get("reason", ""))
    return f"{identifier}: it is sent as {new}."


def _actor(request: HttpRequest) -> Actor:
    return Actor(request.user.email, is_staff=True)  # type: ignore[union-attr]  # staff alone come here


VERDICTS: Final[dict[str, Callable[[HttpRequest], str]]] = {"counted": _counted, "missing": _missing, "again": _again}


@require_POST
@for_staff_who(StaffMay.MOVE_MONEY)
def again(request: HttpRequest, event_id: str) -> HttpResponse:
    """Work off a webhook again that failed."""
    if not StripeEvent.objects.filter(id=event_id).update(status=StripeEvent.Status.RECEIVED):
        raise Http404
    defer(handle_event, event_id=event_id)
    messages.success(request, f"{event_id} is worked off again.")
    return redirect("admin:money_metering")
