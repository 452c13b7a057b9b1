"""When usage is reported. Each job may run twice, or at the same time as itself."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from billing.clock import now
from billing.gateway.errors import StripeError
from billing.reporting import closing, reconcile, runs, verify
from billing.reporting.freeze import freeze, late_rows
from billing.reporting.held import release
from billing.reporting.send import drain
from saas.core.jobs import task
from tenants.context import run_on_platform

log = logging.getLogger(__name__)
close_period = closing.close_period

SETTLES: Final = timedelta(minutes=2)  # that a transaction may take from its message's id to its commit, and be in time
SECONDS: Final = 50.0  # that the sender works in a minute
SOON: Final = timedelta(hours=6)  # back which late rows are looked for each hour; at night all that Stripe still takes
EVER: Final = timedelta(days=34)


@app.periodic(cron="2-59/10 * * * *")
@task(retries=1, queueing_lock="freeze_usage", pass_context=False)
async def freeze_usage(timestamp: int) -> None:
    """Make batches of the hours and periods that are over, and let those go that a new subscription pays."""
    await _noted("freeze", _freeze)


@app.periodic(cron="* * * * *")
@task(retries=1, queueing_lock="send_usage", pass_context=False)
async def send_usage(timestamp: int) -> None:
    """Send what is due, for most of a minute."""
    if settings.STRIPE_SECRET_KEY:
        await _noted("drain", _send)


@app.periodic(cron="23 * * * *")
@task(retries=1, queueing_lock="verify_usage", pass_context=False)
async def verify_usage(timestamp: int) -> None:
    """Find out about batches whose fate nobody knows."""
    if settings.STRIPE_SECRET_KEY:
        await _noted("verify", _verify)


@app.periodic(cron="41 * * * *")
@task(retries=1, queueing_lock="late_usage", pass_context=False)
async def late_usage(timestamp: int) -> None:
    """Look for rows that came after their hour was frozen."""
    await _noted("late", lambda: _late(SOON))


@app.periodic(cron="11 4 * * *")
@task(retries=1, queueing_lock="reconcile_usage", pass_context=False)
async def reconcile_usage(timestamp: int) -> None:
    """Compare all tenants with Stripe, after a last look for late rows."""
    await _noted("late", lambda: _late(EVER))
    if settings.STRIPE_SECRET_KEY:
        await _noted("reconcile", _reconcile)


async def _noted(name: str, work: Callable[[], Awaitable[tuple[int, str]]]) -> None:
    """Run it, and write down when, how much it did, and what went wrong."""
    await run_on_platform(runs.begin, name)
    try:
        did, error = await work()
    except StripeError as complaint:
        did, error = 0, complaint.message
        log.warning("%s: %s", name, error)
    except Exception as fault:
        await run_on_platform(runs.end, name, error=f"{type(fault).__name__}: {fault}")
        raise
    await run_on_platform(runs.end, name, did=did, error=error)


async def _freeze() -> tuple[int, str]:
    made = await run_on_platform(freeze, _here() - SETTLES)
    await run_on_platform(release)
    return made, ""


async def _send() -> tuple[int, str]:
    drained = await drain(SECONDS)
    return drained.sent, drained.stopped if drained.is_trouble else ""


async def _verify() -> tuple[int, str]:
    await run_on_platform(verify.set_aside)
    settled = 0
    for place in await run_on_platform(verify.places):
        settled += await run_on_platform(verify.settle, place)
    return settled, ""


async def _late(back: timedelta) -> tuple[int, str]:
    return await run_on_platform(late_rows, _here() - back), ""


async def _reconcile() -> tuple[int, str]:
    """Tenant by tenant, so that no thread is held for long."""
    this = await run_on_platform(reconcile.begin)
    try:
        for account_id in await run_on_platform(reconcile.accounts):
            await run_on_platform(reconcile.reconcile_one, this, account_id)
    except StripeError as error:
        await run_on_platform(reconcile.finish, this, error=error.message)
        raise
    return (await run_on_platform(reconcile.finish, this)).compared, ""


def _here() -> datetime:
    """Usage has real time, also where the stand-in's clock is ahead."""
    return min(now(), timezone.now())
