"""Jobs: whatever may be late. Procrastinate keeps them in PostgreSQL, so a job is deferred in the transaction of its cause.

Every job may run twice: a worker that is killed leaves its job behind, and `retry_stalled` starts it again.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, ParamSpec, TypeVar

from django.conf import settings
from django.db import connections
from procrastinate import App, JobContext, PsycopgConnector, RetryDecision, RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.utils import connector_params
from procrastinate.jobs import Job
from procrastinate.tasks import Task
from psycopg.types.json import Jsonb
from structlog.contextvars import bound_contextvars

from saas.core.errors import Busy
from saas.core.metrics import JOB_RUNS, JOB_TIME

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

ROLE: Final = "porch_platform"
QUEUE: Final = "default"
CONCURRENCY: Final = 4
GRACE: Final = 5.0  # seconds that a running job gets when the worker stops
PAUSE = 5.0  # seconds before a worker that lost the database tries again
NAME = "porchlight worker"  # of its connections, as the database lists them
STALLED_AFTER: Final = 60.0  # seconds without a sign of life of the worker that holds a job
BUSY_SECONDS: Final = 30  # between two tries of a job that found its tenant shut, or somebody else busy
BUSY_TRIES: Final = 480  # of those: four hours


class Patient(RetryStrategy):
    """A job that failed for what passes by itself is not given up so soon."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, Busy) and job.attempts < BUSY_TRIES:
            return RetryDecision(retry_in={"seconds": BUSY_SECONDS})
        return super().get_retry_decision(exception=exception, job=job)


def task(*, retries: int = 5, queue: str = QUEUE, **options: Any) -> Callable[[Callable[P, R]], Task[P, R, P]]:
    """Make a function a job. It is tried again after 2, 4, 8 ... seconds, `retries` times, and for hours while it raises Busy.

    Always with a retry: an asynchronous job without one that is cut off at the grace period would be over for good.
    """
    retry = Patient(max_attempts=retries, exponential_wait=2)
    return app.task(queue=queue, retry=retry, **options)


def defer(job: Task[..., Any, ...], *, using: str = "default", **arguments: Any) -> None:
    """Run the job after the current transaction of `using` commits; never, if it rolls back. Arguments must be JSON.

    Works on the platform's role and inside a tenant alike. A tenant's role may not see the jobs of others, so there the job goes
    through the database function that stamps it with the tenant of the role: the job gets `tenant` beside its arguments.
    """
    connection: Any = connections[using]  # django-tenants adds to it
    if connection.schema_name == settings.PUBLIC_SCHEMA_NAME:
        app.with_connector(DjangoConnector(alias=using)).configure_task(job.name, queue=job.queue).defer(**arguments)
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.defer_job(%s, %s, %s)", [job.name, Jsonb(arguments), job.queue])


class Worker:
    """The job worker inside an event loop, beside the web server or alone."""

    def __init__(self, *queues: str) -> None:
        self._queues = queues
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to work. Returns at once."""
        self._running = asyncio.create_task(self._run(), name="job worker")

    async def stop(self) -> None:
        """Take no more jobs, give the running ones `GRACE` seconds, and come back when all is over."""
        if self._running is None:
            return
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({self._running}, timeout=GRACE + 2)
        self._running = None

    async def _run(self) -> None:
        """Work until cancelled; a lost database is waited for."""
        while True:
            try:
                await run_worker(*self._queues)
            except (asyncio.CancelledError, GeneratorExit):
                raise
            except Exception:
                log.exception("The job worker stopped; it starts again in %s s", PAUSE)
            await asyncio.sleep(PAUSE)


async def run_worker(*queues: str, wait: bool = True) -> None:
    """Run the jobs of these queues, or of ours, until cancelled; with `wait=False` until none is due."""
    worker = _worker_app()
    async with worker.open_async():
        await worker.run_worker_async(
            queues=list(queues or (QUEUE,)),
            concurrency=CONCURRENCY,
            wait=wait,
            install_signal_handlers=False,
            shutdown_graceful_timeout=GRACE,
            delete_jobs="successful",
            worker_middleware=[_watched],
        )


async def _watched(run: Callable[[], Awaitable[Any]], context: JobContext, _worker: object) -> Any:
    """Count and time a job, and name it in what is logged meanwhile. Its arguments may hold anything: only the tenant is told."""
    job, began, result = context.job, time.perf_counter(), "failed"
    tenant = job.task_kwargs.get("tenant")
    try:
        with bound_contextvars(job=job.id, task=job.task_name, **({"tenant": tenant} if tenant else {})):
            found = await run()
        result = "done"
        return found
    finally:
        JOB_RUNS.labels(job.task_name, result).inc()
        JOB_TIME.observe(time.perf_counter() - began)


@app.periodic(cron="* * * * *")
@task(queueing_lock="retry_stalled", pass_context=False)
async def retry_stalled(timestamp: int) -> None:
    """Start again what a killed worker left behind."""
    manager = app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER):
        await manager.retry_job(job)


def _worker_app() -> App:
    """The same tasks over a connection of the worker's own: Django's cannot listen. It works as the platform."""
    params = {key: value for key, value in connector_params().items() if key in {"host", "port", "user", "password", "dbname"}}
    options = f"-c role={ROLE} -c search_path={settings.PUBLIC_SCHEMA_NAME}"
    return app.with_connector(
        PsycopgConnector(kwargs={**params, "options": options, "application_name": NAME}, min_size=1, max_size=2)
    )
