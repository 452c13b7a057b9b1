"""When each job of reporting ran last, and how that ended: what the health page shows."""

from billing.clock import now
from billing.models import ReportingRun


def begin(name: str) -> None:
    """A job starts."""
    ReportingRun.objects.update_or_create(name=name, defaults={"began_at": now()})


def end(name: str, *, did: int = 0, error: str = "") -> None:
    """A job is over; `error` says why it did not do all."""
    ReportingRun.objects.filter(name=name).update(ended_at=now(), did=did, error=error[:500])
