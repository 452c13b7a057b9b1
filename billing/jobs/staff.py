"""What goes on by itself of what staff gave: visits and comps end, and what Stripe could not do is asked again."""

from procrastinate.contrib.django import app

from billing.services import adjustments, visits
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


@app.periodic(cron="*/2 * * * *")
@task(queueing_lock="carry_out_adjustments", pass_context=False)
async def carry_out_adjustments(timestamp: int) -> None:
    """What was approved while Stripe was away."""
    await run_on_platform(adjustments.carry_out_again)
