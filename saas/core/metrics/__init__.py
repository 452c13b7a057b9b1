"""What an operator measures: instruments, and the registry that Prometheus reads over a private port (`port.py`).

Each app names its instruments in its `metrics.py`. A label never holds a tenant, a room or a person: their number has no bound.
"""

from saas.core.metrics.kernel import DATABASE, HTTP, HTTP_TIME, JOB_RUNS, JOB_TIME, LIMITS, LOOP_LAG, MAIL, SLOW
from saas.core.metrics.kinds import REGISTRY, Buckets, Counts, Level, Reading, Times

__all__ = [
    "DATABASE",
    "HTTP",
    "HTTP_TIME",
    "JOB_RUNS",
    "JOB_TIME",
    "LIMITS",
    "LOOP_LAG",
    "MAIL",
    "REGISTRY",
    "SLOW",
    "Buckets",
    "Counts",
    "Level",
    "Reading",
    "Times",
]
