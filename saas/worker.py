"""The job worker as a process of its own: `python -m saas.worker`. On SIGTERM or SIGINT running jobs get some seconds to end.

The web server then runs with WORKER_IN_PROCESS=0. Any number of workers may run.
"""

import asyncio
import os
import signal
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")
django.setup()

from saas.checks import keep_the_place, refusal
from saas.core.jobs import Worker  # the jobs are found through the apps
from saas.core.watch import WORKER, Watch


async def main() -> None:
    """Work until a signal comes."""
    asked_to_end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_end.set)
    worker, watch = Worker(), Watch(WORKER, knows_jobs=True, look_after=keep_the_place)
    watch.start()
    await worker.start()
    await asked_to_end.wait()
    await worker.stop()
    await watch.stop()


if __name__ == "__main__":
    if why := refusal():
        sys.exit(why)
    asyncio.run(main())
