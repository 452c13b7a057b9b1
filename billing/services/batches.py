"""What staff do with batches that no machine can judge: each with a reason, written down.

That Stripe has counted one gives money away if it is not so: that is an adjustment (`services/adjustments.py`).
"""

from typing import Any

from django.db import transaction
from django.db.models import Max

from billing.clock import now
from billing.models import MeterReport
from billing.reporting.freeze import wait_for_others
from billing.services.audit import Actor, record
from saas.core.errors import BadFrame, NotFound

Status = MeterReport.Status


def send_missing(identifier: str, *, actor: Actor, reason: str) -> None:
    """Say of a batch whose fate nobody knows that Stripe does not have it: it is sent under its key.

    Raises BadFrame without a reason, NotFound unless it waits to be verified.
    """
    _demand(reason)
    with transaction.atomic():
        batch = _locked(identifier, Status.VERIFY)
        again = {"status": Status.PENDING, "first_sent_at": None, "next_attempt_at": now(), "error": ""}
        MeterReport.objects.filter(id=batch.id).update(**again)
        record("batch.send_missing", tenant_id=batch.account_id, actor=actor, after={"batch": identifier}, reason=reason.strip())


def send_again(identifier: str, *, actor: Actor, reason: str) -> str:
    """Send what a rejected batch holds once more, as the next batch of its window; its identifier.

    Call it when the cause is mended. Raises BadFrame without a reason, NotFound unless there is such a rejected batch.
    """
    _demand(reason)
    with transaction.atomic():
        wait_for_others()  # two batches of one window may go again at once, and each takes the window's next number
        batch = _locked(identifier, Status.REJECTED)
        again = _next(batch)
        MeterReport.objects.filter(id=batch.id).update(status=Status.WAIVED, error=f"Sent again as {again}. {batch.error}"[:500])
        after = {"batch": identifier, "as": again}
        record("batch.send_again", tenant_id=batch.account_id, actor=actor, after=after, reason=reason.strip())
    return again


def doubted(identifier: str) -> MeterReport:
    """A batch whose fate nobody knows. Raises NotFound unless it waits to be verified."""
    batch: MeterReport | None = MeterReport.objects.filter(identifier=identifier, status=Status.VERIFY).first()
    if batch is None:
        raise NotFound(f"There is no batch {identifier!r} in the state {Status.VERIFY}.")
    return batch


def _demand(reason: str) -> None:
    if not reason.strip():
        raise BadFrame("Say why: it is kept for good.", field="reason")


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
