"""What all processes do now, put together: from their own words, from the database and Redis, and who keeps them busy."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from billing.clock import now as clock
from billing.selectors.usage import platform_since
from saas.core.activity import Database, RedisServer, database_now, redis_now
from saas.core.job_figures import Queue, job_figures
from saas.core.processes import Seen, all_processes
from tenants.models import Tenant

BUSIEST: Final = 10
LATELY: Final = timedelta(minutes=5)  # in which messages are counted
ADDED: Final = (
    "sockets",
    "polls",
    "rooms",
    "messages_rate",
    "deliveries_rate",
    "http_rate",
    "holes",
    "journal_waiting",
    "bus_down",
    "requests_waiting",
)


@dataclass(frozen=True, slots=True)
class Busy:
    """A tenant, and how much of the machine it takes."""

    id: UUID
    name: str
    sockets: int
    messages: int  # in the last `LATELY`, as they are billed


@dataclass(frozen=True, slots=True)
class Now:
    """Everything, as of one moment."""

    at: datetime
    processes: list[Seen]
    sums: dict[str, float]  # over all processes
    lag: float  # milliseconds that the latest event loop was behind
    database: Database | None
    redis: list[RedisServer]
    jobs: list[Queue]
    tenants: list[Busy]

    def as_json(self) -> dict[str, Any]:
        """The same for programs. `busiest` of each process is left out: `tenants` has it, put together."""
        said = asdict(self)
        for one in said["processes"]:
            one["figures"].pop("busiest", None)
        if self.database:
            said["database"] |= {"connections": self.database.connections, "locked": self.database.locked}
        return said


def now() -> Now:
    """Four queries, one new connection to the database, and a question to each Redis."""
    processes = all_processes()
    return Now(
        at=clock(),
        processes=processes,
        sums={name: round(_sum(processes, name), 1) for name in ADDED},
        lag=max((float(one.figures.get("lag_ms", 0)) for one in processes), default=0.0),
        database=database_now(),
        redis=redis_now(),
        jobs=job_figures(),
        tenants=_busiest(processes),
    )


def _sum(processes: Iterable[Seen], name: str) -> float:
    return sum(float(one.figures.get(name, one.figures.get(f"pool_{name}", 0))) for one in processes)


def _busiest(processes: Iterable[Seen]) -> list[Busy]:
    """By their sockets, as far as each process names its first ones, and by what they wrote lately."""
    sockets: Counter[UUID] = Counter()
    for one in processes:
        sockets.update({UUID(tenant): count for count, tenant in one.figures.get("busiest", ())})
    messages = Counter(platform_since(clock() - LATELY))
    found = {key for counted in (sockets, messages) for key, _ in counted.most_common(BUSIEST)}
    names = dict(Tenant.objects.filter(id__in=found).values_list("id", "name"))
    rows = [Busy(key, names[key], sockets[key], messages[key]) for key in found if key in names]
    return sorted(rows, key=lambda row: (-row.sockets, -row.messages, row.name))[:BUSIEST]
