"""What ends by itself of what staff gave: visits to tenants, and plans for nothing."""

from procrastinate.contrib.django import app

from billing.services import visits
from billing.services.corrections import end_comps
from saas.core.jobs import task
from tenants.context import run_on_platform


@app.periodic(cron="* * * * *")
@task(queueing_lock="end_visits", pass_context=False)
async def end_visits(timestamp: int) -> None:
    """Visits that have lasted long enough."""
    await run_on_platform(visits.end_due)


@app.periodic(cron="*/10 * * * *")
@task(queueing_lock="end_given_plans", pass_context=False)
async def end_given_plans(timestamp: int) -> None:
    """Comps whose day has come."""
    await run_on_platform(end_comps)
