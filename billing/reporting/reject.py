"""Batches that Stripe took and could not use, as it tells later, in a thin event that names them by the request's key."""

from billing.models import MeterReport


def reject(identifier: str, message: str) -> bool:
    """Mark a batch: Stripe did not count it. Whether there is one with this identifier; again changes nothing.

    What staff let go stays so.
    """
    batches = MeterReport.objects.filter(identifier=identifier)
    batches.exclude(status=MeterReport.Status.WAIVED).update(status=MeterReport.Status.REJECTED, error=message[:500])
    return batches.exists()
