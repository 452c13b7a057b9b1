"""What is done for all tenants again and again."""

import asyncio
import logging
import os
import sys

from django.conf import settings
from procrastinate.contrib.django import app

from saas.core.jobs import task
from tenants import audit
from tenants.context import run_on_platform
from tenants.migrating import late
from tenants.provisioning import OWNER
from tenants.services import sign_ins

log = logging.getLogger(__name__)

MOST_TOLD = 2_000  # characters of what a command says


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


@app.periodic(cron="* * * * *")
@task(retries=1, lock="migrate_late", queueing_lock="migrate_late", pass_context=False)
async def migrate_late(timestamp: int) -> None:
    """Bring up tenants that a process of the release before has made during an upgrade. One question where there is none.

    In a process of its own, which may do more than this one: only what runs as the owner of the schemas migrates. It does nothing
    beside somebody who migrates or restores, and says nothing then.
    """
    found = await run_on_platform(late, using=OWNER)
    if not found:
        return
    words = [sys.executable, str(settings.ROOT / "manage.py"), "migrate_tenants", "--late"]
    as_owner = os.environ | {"DATABASE_AS_OWNER": "1"}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, env=as_owner, stdout=pipe, stderr=pipe)
    said, complaint = await process.communicate()
    if process.returncode:
        log.error("tenants made during the upgrade were not migrated: %s", _told(complaint))
    elif told := _told(said):
        log.warning("tenants made during the upgrade: %s", told)


def _told(said: bytes) -> str:
    return said.decode(errors="replace").strip()[-MOST_TOLD:]
