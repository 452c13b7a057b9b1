"""The instruments of what is below all apps: the event loop, HTTP, limits, the database's pool, threads, jobs, mail."""

from collections.abc import Mapping
from typing import Any, Final

from django.db.backends.postgresql.base import DatabaseWrapper
from prometheus_client import Counter, Histogram, disable_created_metrics

from saas.core.fairpool import all_pools
from saas.core.metrics.kinds import REGISTRY, SECONDS, Counts, Level, Reading, Times

disable_created_metrics()  # type: ignore[no-untyped-call]  # one series less for each

KINDS: Final = ("page", "api", "widget", "poll", "static")  # of requests
CLASSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx")

LOOP_LAG: Final = Times("porchlight_loop_lag_seconds", "How late the event loop came to what was due.")
LOOP_LOOKS: Final = Reading(
    "porchlight_loop_looks_total",
    "Looks at the event loop, by whether it came within a quarter of a second.",
    lambda: LOOP_LAG.by(0.25),
    "result",
    is_count=True,
)
PROCESS: Final = Level("porchlight_process", "1, beside what the process is: all, web, ws or worker.", "kind")

HTTP: Final = Counts("porchlight_http_requests_total", "Answers over HTTP, by the class of their status.", "status", CLASSES)
HTTP_TIME: Final = Times("porchlight_http_seconds", "From a request to its answer; polls wait for news.", "kind", KINDS)

SLOW: Final = Counter("porchlight_slow_total", "What took longer than its SLOW_..._MS.", ["what"], registry=REGISTRY)
LIMITS: Final = Counter(
    "porchlight_limits_refused_total", "How often a limit said no, by its name.", ["limit"], registry=REGISTRY
)
MAIL: Final = Counter(
    "porchlight_mail_total",
    "Mails: taken by the mail server, refused for their address, or not taken.",
    ["result"],
    registry=REGISTRY,
)
for _result in ("sent", "refused", "failed"):  # told before the first of them: else that one would not be seen to grow
    MAIL.labels(_result)

JOB_RUNS: Final = Counter("porchlight_job_runs_total", "Jobs that ran.", ["task", "result"], registry=REGISTRY)
JOB_TIME: Final = Histogram("porchlight_job_seconds", "How long a job ran.", buckets=(*SECONDS, 60.0, 600.0), registry=REGISTRY)
JOBS_WAITING: Final = Level("porchlight_jobs_waiting", "Jobs that wait, and are due.", "queue")
JOBS_RUNNING: Final = Level("porchlight_jobs_running", "Jobs that run, on any worker.", "queue")
JOBS_FAILED: Final = Level("porchlight_jobs_failed", "Jobs that were given up and wait for a person.", "queue")
JOBS_OLDEST: Final = Level("porchlight_jobs_oldest_seconds", "For how long the oldest due job has waited.", "queue")


def pool_stats() -> Mapping[str, int]:
    """What Django's pool of this process says of itself; empty before its first use."""
    pool: Any = DatabaseWrapper._connection_pools.get("default")  # type: ignore[attr-defined]
    return pool.get_stats() if pool is not None else {}


def _of_pool(*names: str, scale: float = 1.0) -> Mapping[str, float]:
    found = pool_stats()
    return {"": sum(found.get(name, 0) for name in names) * scale} if found else {}


def _threads(what: int) -> Mapping[str, float]:
    return {pool.name: float(pool.load()[what]) for pool in all_pools()}


# What the instruments read for themselves when Prometheus asks.
DATABASE: Final = (
    Reading("porchlight_database_pool_size", "Connections of the pool.", lambda: _of_pool("pool_size")),
    Reading("porchlight_database_pool_free", "Those that nobody uses now.", lambda: _of_pool("pool_available")),
    Reading("porchlight_database_pool_waiting", "Callers that wait for one now.", lambda: _of_pool("requests_waiting")),
    Reading(
        "porchlight_database_pool_requests_total", "Times one was asked for.", lambda: _of_pool("requests_num"), is_count=True
    ),
    Reading(
        "porchlight_database_pool_queued_total", "Times one had to wait.", lambda: _of_pool("requests_queued"), is_count=True
    ),
    Reading(
        "porchlight_database_pool_wait_seconds_total",
        "Seconds that were waited in all.",
        lambda: _of_pool("requests_wait_ms", scale=0.001),
        is_count=True,
    ),
    Reading(
        "porchlight_database_pool_errors_total",
        "Times none came in time, or none could be made.",
        lambda: _of_pool("requests_errors", "connections_errors"),
        is_count=True,
    ),
)
THREADS: Final = (
    Reading("porchlight_threads_busy", "Threads that work, by their pool.", lambda: _threads(0), "pool"),
    Reading("porchlight_threads_waiting", "Calls that wait for a thread, by its pool.", lambda: _threads(1), "pool"),
)
