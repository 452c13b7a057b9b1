"""What staff do with batches that no machine can judge: each with a reason, written down."""

from typing import Any

from django.db import transaction
from django.db.models import Max

from billing.clock import now
from billing.models import MeterReport
from billing.services.audit import Actor, record
from saas.core.errors import NotFound

Status = MeterReport.Status


def decide(identifier: str, *, counted: bool, actor: Actor, reason: str) -> None:
    """Say of a batch whose fate nobody knows whether Stripe has it; if not, it is sent again.

    Raises NotFound unless it waits to be verified.
    """
    with transaction.atomic():
        batch = _locked(identifier, Status.VERIFY)
        sent = {"status": Status.SENT, "sent_at": now(), "error": ""}
        again = {"status": Status.PENDING, "first_sent_at": None, "next_attempt_at": now(), "error": ""}
        MeterReport.objects.filter(id=batch.id).update(**(sent if counted else again))
        after = {"batch": identifier, "counted": counted}
        record("batch.decide", tenant_id=batch.account_id, actor=actor, after=after, reason=reason)


def send_again(identifier: str, *, actor: Actor, reason: str) -> str:
    """Send what a rejected batch holds once more, as the next batch of its window; its identifier.

    Call it when the cause is mended. Raises NotFound unless there is such a rejected batch.
    """
    with transaction.atomic():
        batch = _locked(identifier, Status.REJECTED)
        again = _next(batch)
        MeterReport.objects.filter(id=batch.id).update(status=Status.WAIVED, error=f"Sent again as {again}. {batch.error}"[:500])
        record(
            "batch.send_again", tenant_id=batch.account_id, actor=actor, after={"batch": identifier, "as": again}, reason=reason
        )
    return again


def _locked(identifier: str, status: str) -> MeterReport:
    batch: MeterReport | None = MeterReport.objects.select_for_update().filter(identifier=identifier, status=status).first()
    if batch is None:
        raise NotFound(f"There is no batch {identifier!r} in the state {status}.")
    return batch


def _next(batch: MeterReport) -> str:
    """It is a correction: what the window's rows come to is in the batches before it already."""
    window: dict[str, Any] = {"account_id": batch.account_id, "meter": batch.meter, "window_start": batch.window_start}
    seq = MeterReport.objects.filter(**window).aggregate(last=Max("seq"))["last"] + 1
    identifier = f"{batch.identifier.rpartition(':')[0]}:{seq}"
    MeterReport.objects.create(
        **window,
        window_end=batch.window_end,
        seq=seq,
        quantity=batch.quantity,
        event_time=batch.event_time,
        identifier=identifier,
        is_correction=True,
        is_late=batch.is_late,
        next_attempt_at=now(),
        created_at=now(),
    )
    return identifier
