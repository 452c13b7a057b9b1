"""What is done for all tenants again and again."""

from procrastinate.contrib.django import app

from saas.core.jobs import task
from tenants import audit
from tenants.context import run_on_platform
from tenants.services import sign_ins


@app.periodic(cron="53 3 * * *")
@task(queueing_lock="forget_old_acts", pass_context=False)
async def forget_old_acts(timestamp: int) -> None:
    """Delete what the audit log has kept for two years."""
    await run_on_platform(audit.forget_old)


@app.periodic(cron="23 4 * * *")
@task(queueing_lock="forget_old_sign_ins", pass_context=False)
async def forget_old_sign_ins(timestamp: int) -> None:
    """Delete sign-ins that ended or were not used for 90 days, and sessions that have run out."""
    await run_on_platform(sign_ins.forget_old)
