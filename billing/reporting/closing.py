"""The end of a period: all of it is frozen and sent while its invoice is still a draft."""

import logging
from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils import timezone

from billing.clock import now
from billing.models import Difference
from billing.reporting import runs
from billing.reporting.freeze import freeze_period
from billing.reporting.held import release
from billing.reporting.reconcile import reconcile
from billing.reporting.send import Drained, drain
from saas.core.jobs import task
from tenants.context import run_on_platform

log = logging.getLogger(__name__)
USAGE: Final = frozenset({Difference.Kind.USAGE})
SECONDS: Final = 45.0  # that a run of the sender may take for one tenant


@task()
async def close_period(account_id: str, until: str) -> None:
    """Freeze a tenant's usage up to the end of its period (ISO 8601), or up to now, send it, and compare it.

    Invoices are compared at night alone: the one of this period is on its way to us just now.
    """
    await close(UUID(account_id), datetime.fromisoformat(until))


async def close(account_id: UUID, until: datetime) -> None:
    """See `close_period`. Raises RuntimeError if not all of it was sent: the job runs again."""
    drained = await tell(account_id, until)
    if drained.failed or drained.stopped:
        raise RuntimeError(f"Of the period of {account_id} until {until} not all was sent. {drained.stopped}")
    await run_on_platform(reconcile, None, account_id, USAGE)


async def tell(account_id: UUID, until: datetime) -> Drained:
    """Freeze a tenant's usage up to a moment, or up to now, and send it; what became of that."""
    await run_on_platform(_freeze, account_id, until)
    return await drain(SECONDS, account_id)


def _freeze(account_id: UUID, until: datetime) -> None:
    """Usage has real time, also where the stand-in's clock is ahead."""
    freeze_period(account_id, min(until, now(), timezone.now()))
    release(account_id)
    runs.begin("close")
    runs.end("close", did=1)
