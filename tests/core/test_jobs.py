"""Jobs run after the transaction that deferred them, once or more, in the web process or in their own."""

import asyncio
import os
import time
from collections.abc import Callable
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connections, transaction
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Job
from procrastinate.worker import FETCH_JOB_POLLING_INTERVAL

from saas.core import jobs
from saas.core.errors import Busy
from saas.core.jobs import Worker, defer, run_worker, task
from tenants.context import TenantRef, in_tenant
from tests.support.patience import PATIENCE

MINE = f"tests-{os.getpid()}"  # nobody else's worker takes these jobs

ran: list[tuple[str, str]] = []
failures: dict[str, int] = {}


@task(queue=MINE)
def note(*, word: str, tenant: str = "") -> None:
    """Remember that it ran."""
    if failures.get(word, 0):
        failures[word] -= 1
        raise RuntimeError(word)
    ran.append((word, tenant))


@task(queue=MINE)
async def note_async(*, word: str, tenant: str = "") -> None:
    """The same in the event loop."""
    ran.append((word, tenant))


@pytest.fixture
def word() -> str:
    """What only this test says."""
    return uuid4().hex


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()
    failures.clear()


def times(word: str) -> int:
    return [said for said, _ in ran].count(word)


def work() -> None:
    asyncio.run(run_worker(MINE, wait=False))


def test_a_job_runs_after_commit_and_is_then_gone(word: str) -> None:
    with transaction.atomic():
        defer(note, word=word)
        work()
        assert times(word) == 0
    work()
    assert times(word) == 1
    assert not ProcrastinateJob.objects.filter(args__word=word).exists()


def test_a_job_of_a_transaction_that_fails_never_runs(word: str, acme: TenantRef) -> None:
    with transaction.atomic():
        defer(note, word=word)
        transaction.set_rollback(True)
    with in_tenant(acme), transaction.atomic():
        defer(note, word=word)
        transaction.set_rollback(True)
    work()
    assert times(word) == 0


@pytest.mark.parametrize(("error", "is_tried_again"), [(Busy("The tenant is shut."), True), (RuntimeError("a fault"), False)])
def test_only_what_passes_by_itself_is_tried_for_hours(error: Exception, is_tried_again: bool) -> None:
    often = Job(id=1, queue=MINE, lock=None, queueing_lock=None, task_name=note.name, attempts=100)
    assert note.retry_strategy
    assert (note.retry_strategy.get_retry_decision(exception=error, job=often) is not None) is is_tried_again


@pytest.mark.parametrize("job", [note, note_async])
def test_a_job_from_inside_a_tenant_knows_which(job: object, word: str, acme: TenantRef) -> None:
    with in_tenant(acme):
        defer(job, word=word)  # type: ignore[arg-type]
    work()
    assert ran == [(word, str(acme.id))]


def test_nobody_in_a_tenant_can_name_another(word: str, acme: TenantRef, globex: TenantRef) -> None:
    with in_tenant(acme):
        defer(note, word=word, tenant=str(globex.id))
    work()
    assert ran == [(word, str(acme.id))]


def test_a_job_that_fails_is_tried_again_later(word: str, superuser: psycopg.Connection[tuple[object, ...]]) -> None:
    failures[word] = 1
    defer(note, word=word)
    work()
    assert times(word) == 0
    left = ProcrastinateJob.objects.get(args__word=word)
    assert (left.status, left.attempts) == ("todo", 1)
    superuser.execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE id = %s", [left.id])
    work()
    assert times(word) == 1


def test_what_a_killed_worker_left_behind_is_started_again(word: str, superuser: psycopg.Connection[tuple[object, ...]]) -> None:
    """The worker's row is gone or silent, its job still says `doing`."""
    for hold in (GONE, SILENT):
        defer(note, word=word)
        superuser.execute(hold, [word])
        asyncio.run(jobs.retry_stalled.func(timestamp=0))
        work()
    assert times(word) == 2


GONE = "UPDATE procrastinate_jobs SET status = 'doing' WHERE args->>'word' = %s"
SILENT = """
WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id)
UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead WHERE args->>'word' = %s
"""


def test_the_worker_beside_the_web_server_starts_stops_and_runs_soon(
    word: str, superuser: psycopg.Connection[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "NAME", f"worker {word}")
    took: list[float] = []

    async def scenario() -> None:
        worker = Worker(MINE)
        await worker.start()
        async with asyncio.timeout(PATIENCE):
            while not (await asyncio.to_thread(superuser.execute, LISTENS, [jobs.NAME])).rowcount:
                await asyncio.sleep(0.02)
            for number in range(3):
                await asyncio.to_thread(_in_a_thread, lambda: defer(note_async, word=word))
                began = time.monotonic()
                while times(word) <= number:
                    await asyncio.sleep(0.01)
                took.append(time.monotonic() - began)
        await worker.stop()

    asyncio.run(scenario())
    assert min(took) < FETCH_JOB_POLLING_INTERVAL - 1, "it was told, and did not come by chance"
    assert times(word) == 3


LISTENS = "SELECT FROM pg_stat_activity WHERE application_name = %s AND query LIKE '%%LISTEN%%' AND state = 'idle'"


def test_a_stopped_worker_takes_nothing_more(word: str) -> None:
    async def scenario() -> None:
        worker = Worker(MINE)
        await worker.start()
        await worker.stop()
        await worker.stop()
        await asyncio.to_thread(_in_a_thread, lambda: defer(note_async, word=word))

    asyncio.run(scenario())
    assert times(word) == 0
    assert ProcrastinateJob.objects.get(args__word=word).status == "todo"
    work()


def test_the_worker_comes_back_when_the_database_does(
    word: str, superuser: psycopg.Connection[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PAUSE", 0.05)
    monkeypatch.setattr(jobs, "NAME", f"worker {word}")  # other workers of the test run have theirs in the same cluster

    async def scenario() -> None:
        worker = Worker(MINE)
        await worker.start()
        async with asyncio.timeout(PATIENCE):
            while not (await asyncio.to_thread(superuser.execute, CUT, [jobs.NAME])).rowcount:  # it has not connected yet
                await asyncio.sleep(0.02)
            await asyncio.to_thread(_in_a_thread, lambda: defer(note_async, word=word))
            while not times(word):
                await asyncio.sleep(0.02)
        await worker.stop()

    asyncio.run(scenario())


CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"


def _in_a_thread(call: Callable[[], None]) -> None:
    try:
        call()
    finally:
        connections.close_all()


def test_ids_in_arguments_are_text(word: str) -> None:
    with pytest.raises(TypeError):
        defer(note, word=UUID(int=1))
