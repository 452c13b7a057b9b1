"""What moves a tenant's access by itself: the clock, and what was used. Each of these may run twice."""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.utils import timezone
from procrastinate.contrib.django import app

from billing.selectors.due import due_accounts, near_limits, owing_accounts, to_be_closed, who_used_since
from billing.services.access import tick
from billing.services.alerts import check_usage, remind
from billing.services.closing import close_by_clock
from saas.core.jobs import task
from tenants.context import run_on_platform

log = logging.getLogger(__name__)

LOOK_BACK: Final = timedelta(minutes=5)  # for usage; the job comes every minute, and a late one misses nothing


@app.periodic(cron="* * * * *")
@task(queueing_lock="move_access", pass_context=False)
async def move_access(timestamp: int) -> None:
    """Tell who crossed a threshold, move whose day has come, remind whoever owes, and close what nobody paid for."""
    for tenants, act in WORK:
        await _each(await run_on_platform(tenants), act)


async def _each(tenants: Iterable[UUID], act: Callable[[UUID], Any]) -> None:
    """One that fails stops no other."""
    for tenant_id in tenants:
        try:
            await run_on_platform(act, tenant_id)
        except Exception:
            log.exception("%s failed for tenant %s", act.__name__, tenant_id)


def _near_limits() -> list[UUID]:
    """By real time, in which usage is written."""
    return near_limits(who_used_since(timezone.now() - LOOK_BACK))


def _look_at_usage(tenant_id: UUID) -> None:
    check_usage(tenant_id)
    tick(tenant_id)


WORK: Final[tuple[tuple[Callable[[], list[UUID]], Callable[[UUID], Any]], ...]] = (
    (_near_limits, _look_at_usage),
    (due_accounts, tick),
    (owing_accounts, remind),
    (to_be_closed, close_by_clock),
)
