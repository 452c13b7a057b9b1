"""Everything that happened to one tenant's money, newest first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from billing.models import (
    AccessTransition,
    Adjustment,
    BillingAccount,
    BillingAudit,
    Invoice,
    PlanMove,
    SeatEntry,
    StripeCommand,
    StripeEvent,
    SupportVisit,
)
from billing.money import text

EACH: Final = 100  # of a kind


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened."""

    at: datetime
    kind: str  # a word for filters: access, invoice, seats, plan, adjustment, asked, webhook, visit, act
    words: str
    detail: str = ""
    who: str = ""
    is_bad: bool = False


def timeline(account_id: UUID, *, kind: str = "") -> list[Entry]:
    """The newest entries, of one kind or of all: ten queries at most."""
    account = BillingAccount.objects.get(pk=account_id)
    sources = [
        _transitions(account_id),
        _invoices(account_id),
        _seats(account_id),
        _moves(account_id),
        _adjustments(account_id),
        _commands(account_id),
        _webhooks(account.stripe_customer_id),
        _visits(account_id),
        _acts(account_id),
    ]
    entries = [entry for source in sources for entry in source if not kind or entry.kind == kind]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[: EACH * 2]


def _transitions(account_id: UUID) -> Iterator[Entry]:
    for row in AccessTransition.for_tenant(account_id).order_by("-at")[:EACH]:
        bad = row.after != "ok"
        yield Entry(row.at, "access", f"{row.before} to {row.after}: {row.reason}", row.note, row.actor, is_bad=bad)


def _invoices(account_id: UUID) -> Iterator[Entry]:
    for row in Invoice.for_tenant(account_id).order_by("-created_at")[:EACH]:
        words = f"Invoice {row} of {text(row.total, row.currency)}: {row.status}"
        failed = row.status == "open" and row.attempt_count > 0
        yield Entry(row.created_at, "invoice", words, row.decline_reason, is_bad=failed)
        if row.paid_at:
            yield Entry(row.paid_at, "invoice", f"Paid {text(row.amount_paid, row.currency)} of invoice {row}")


def _seats(account_id: UUID) -> Iterator[Entry]:
    for row in SeatEntry.for_tenant(account_id).order_by("-at")[:EACH]:
        then = f", {row.seats_next} from the next renewal" if row.seats_next != row.seats else ""
        yield Entry(row.at, "seats", f"{row.seats} seats{then}", row.reason, row.actor)


def _moves(account_id: UUID) -> Iterator[Entry]:
    for row in PlanMove.for_tenant(account_id).order_by("-at")[:EACH]:
        words = f"{row.get_kind_display()}: {text(row.before, row.currency)} to {text(row.after, row.currency)} a month"
        yield Entry(row.at, "plan", words, is_bad=row.kind == PlanMove.Kind.CHURN)


def _adjustments(account_id: UUID) -> Iterator[Entry]:
    rows = Adjustment.for_tenant(account_id).select_related("requested_by").order_by("-requested_at")[:EACH]
    for row in rows:
        words = f"{row.get_kind_display()} {_amount(row)}: {row.get_status_display().lower()}"
        yield Entry(row.requested_at, "adjustment", words, row.reason, row.requested_by.email, is_bad=bool(row.error))


def _amount(row: Adjustment) -> str:
    return f"of {row.amount} {row.meter}" if row.meter else f"of {text(row.amount, row.currency)}"


def _commands(account_id: UUID) -> Iterator[Entry]:
    for row in StripeCommand.for_tenant(account_id).order_by("-asked_at")[:EACH]:
        words = f"Asked Stripe: {row.operation}: {row.get_status_display().lower()}"
        yield Entry(row.asked_at, "asked", words, row.error, row.actor, is_bad=row.status in {"refused", "failed"})


def _webhooks(customer_id: str | None) -> Iterable[Entry]:
    if not customer_id:
        return
    for row in StripeEvent.objects.filter(customer_id=customer_id).order_by("-created_at")[:EACH]:
        yield Entry(row.created_at, "webhook", f"Stripe said {row.type}: {row.status}", row.error, is_bad=row.status == "failed")


def _visits(account_id: UUID) -> Iterator[Entry]:
    for row in SupportVisit.for_tenant(account_id).select_related("staff").order_by("-began_at")[:EACH]:
        yield Entry(row.began_at, "visit", f"{row.staff.name} looked in", row.reason, row.staff.email)


def _acts(account_id: UUID) -> Iterator[Entry]:
    """What is not told by a row of its own."""
    told = ("adjustment.", "support.", "access.", "seats.")
    for row in BillingAudit.objects.filter(tenant_id=account_id).order_by("-at")[:EACH]:
        if not row.action.startswith(told):
            yield Entry(row.at, "act", row.action, row.reason, row.actor)
