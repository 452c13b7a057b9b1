"""Looking for what Stripe did not tell us, and for what we did not work off."""

import logging
from collections.abc import Callable

from django.conf import settings
from procrastinate.contrib.django import app

from billing.services.stripe.inbox import forget_old, sweep, take_up_again
from billing.services.stripe.working import find_new, handle_event, refresh
from saas.core.jobs import task
from tenants.context import run_on_platform

log = logging.getLogger(__name__)

__all__ = ["ask_for_events", "fetch_subscriptions", "handle_event", "work_off"]


@app.periodic(cron="*/5 * * * *")
@task(queueing_lock="work_off_events", pass_context=False)
async def work_off(timestamp: int) -> None:
    """Events whose job was lost."""
    await run_on_platform(take_up_again)


@app.periodic(cron="23 * * * *")
@task(queueing_lock="ask_for_events", pass_context=False)
async def ask_for_events(timestamp: int) -> None:
    """The events of the last hours that never came."""
    await _where_there_is_stripe(sweep, "%s events of Stripe had not come")


@app.periodic(cron="41 2 * * *")
@task(queueing_lock="fetch_subscriptions", pass_context=False)
async def fetch_subscriptions(timestamp: int) -> None:
    """Every live subscription, once a day, and new ones that nobody told us of; and the old events go."""
    await run_on_platform(forget_old)
    await _where_there_is_stripe(refresh, "%s subscriptions were fetched")
    await _where_there_is_stripe(find_new, "%s subscriptions were not known")


async def _where_there_is_stripe(work: Callable[[], int], words: str) -> None:
    if settings.STRIPE_SECRET_KEY and (done := await run_on_platform(work)):
        log.info(words, done)
