"""How the jobs stand, by queue: what waits, what runs, what failed."""

from dataclasses import dataclass
from typing import Final

from django.db import connection

from saas.core.metrics.kernel import JOBS_FAILED, JOBS_OLDEST, JOBS_RUNNING, JOBS_WAITING

# A job is due from the moment for which it was planned, else from the one at which it was deferred: of those the first has the
# lowest id. Jobs that are done are gone, so the table holds no more than what is counted.
STAND: Final = """
SELECT q.queue_name, q.waiting, q.running, q.failed,
    coalesce(extract(epoch FROM now() - least(q.planned, made.at)), 0)::float
FROM (
    SELECT queue_name,
        count(*) FILTER (WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())) AS waiting,
        count(*) FILTER (WHERE status = 'doing') AS running,
        count(*) FILTER (WHERE status = 'failed') AS failed,
        min(scheduled_at) FILTER (WHERE status = 'todo' AND scheduled_at <= now()) AS planned,
        min(id) FILTER (WHERE status = 'todo' AND scheduled_at IS NULL) AS first
    FROM public.procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed') GROUP BY queue_name
) AS q
LEFT JOIN LATERAL (
    SELECT e.at FROM public.procrastinate_events e WHERE e.job_id = q.first AND e.type = 'deferred' ORDER BY e.id LIMIT 1
) AS made ON true
ORDER BY q.queue_name
"""


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue, now."""

    name: str
    waiting: int  # and due
    running: int
    failed: int
    oldest: float  # seconds that the oldest due job has waited; 0 without one


def job_figures() -> list[Queue]:
    """Every queue that holds something. One query."""
    with connection.cursor() as cursor:
        cursor.execute(STAND)
        return [Queue(*row) for row in cursor.fetchall()]


def tell(queues: list[Queue]) -> None:
    """To Prometheus. The queue that we use is told of also when it is empty."""
    known = {queue.name: queue for queue in queues} or {"default": Queue("default", 0, 0, 0, 0.0)}
    JOBS_WAITING.set_all({name: queue.waiting for name, queue in known.items()})
    JOBS_RUNNING.set_all({name: queue.running for name, queue in known.items()})
    JOBS_FAILED.set_all({name: queue.failed for name, queue in known.items()})
    JOBS_OLDEST.set_all({name: queue.oldest for name, queue in known.items()})


def tell_nothing() -> None:
    """Nobody knows: an old number would be a lie."""
    for level in (JOBS_WAITING, JOBS_RUNNING, JOBS_FAILED, JOBS_OLDEST):
        level.clear()
