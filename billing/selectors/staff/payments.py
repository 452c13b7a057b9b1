"""Payments that failed: how much, why, which attempt, when the next one comes, and what it does to the tenant."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.clock import now
from billing.models import Invoice


@dataclass(frozen=True, slots=True)
class FailedPayment:
    """An open invoice that a card did not pay. Minor units."""

    invoice: str  # Stripe's id
    number: str
    tenant_id: UUID
    tenant: str
    amount: int
    currency: str
    decline_reason: str
    attempt: int
    next_retry: datetime | None
    access: str
    days_in_state: int
    held_until: datetime | None


def failed_payments(*, limit: int = 200) -> list[FailedPayment]:
    """Those who owe most first. One query."""
    open_ones = Invoice.objects.filter(status="open", attempt_count__gt=0, amount_remaining__gt=0)
    rows = open_ones.select_related("account__tenant").order_by("-amount_remaining", "created_at")[:limit]
    return [_failed(row) for row in rows]


def _failed(row: Invoice) -> FailedPayment:
    account = row.account
    return FailedPayment(
        invoice=row.stripe_id,
        number=row.number,
        tenant_id=account.pk,
        tenant=account.tenant.name,
        amount=row.amount_remaining,
        currency=row.currency,
        decline_reason=row.decline_reason,
        attempt=row.attempt_count,
        next_retry=row.next_attempt,
        access=account.access_state,
        days_in_state=(now() - account.state_since).days,
        held_until=account.exempt_until,
    )
