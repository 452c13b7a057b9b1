"""Whether usage reaches Stripe, on one page: numbers, and what is wrong in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Min, Q

from billing.clock import now
from billing.gateway import API_VERSION
from billing.models import Difference, MeterReport, ReportingRun, StripeEvent

SLOW, LATE = timedelta(minutes=30), timedelta(hours=1)  # that the oldest batch waits
BACKLOG: Final = timedelta(minutes=10)  # that a webhook waits to be worked off
CLOSED: Final = timedelta(minutes=30)  # after a period's end: then all of it should be sent
UNSENT: Final = (MeterReport.Status.PENDING, MeterReport.Status.SENDING)
DENIED: Final = "Stripe denies us"  # how the sender's complaint begins
EVERY: Final[Mapping[str, timedelta]] = {  # the longest that a job should be silent
    "freeze": timedelta(minutes=40),
    "drain": timedelta(minutes=10),
    "late": timedelta(hours=3),
    "verify": timedelta(hours=3),
    "reconcile": timedelta(hours=30),
}
CLOSED_UNSENT: Final = """
SELECT count(*) FROM (
    SELECT DISTINCT r.account_id FROM public.billing_meterreport r WHERE r.status IN ('pending', 'sending', 'verify')
) AS waiting
CROSS JOIN LATERAL public.usage_period(waiting.account_id, %(now)s) AS current
JOIN public.billing_meterreport r ON r.account_id = waiting.account_id
WHERE r.status IN ('pending', 'sending', 'verify') AND r.event_time < current.period_start
    AND current.period_start + %(closed)s <= %(now)s
"""


class Level(StrEnum):
    """How the health page looks."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Run:
    """The last run of a job."""

    name: str
    began_at: datetime
    ended_at: datetime | None
    did: int
    error: str


@dataclass(frozen=True, slots=True)
class MeteringHealth:
    """All numbers are of now. `reasons` has a sentence for each thing that is wrong; `level` is that of the worst."""

    level: Level
    reasons: list[str]
    counts: Mapping[str, int]  # open batches by status
    oldest_unsent: datetime | None  # when the batch was made that waits longest
    closed_unsent: int  # batches of periods that ended half an hour ago or more
    differences: int
    webhooks_waiting: int
    webhooks_failed: int  # or of an object that is none of ours
    webhook_version: str  # of the newest; it should be `api_version`
    api_version: str = API_VERSION
    runs: list[Run] = field(default_factory=list)

    @property
    def verify(self) -> int:
        return self.counts.get("verify", 0)

    @property
    def rejected(self) -> int:
        return self.counts.get("rejected", 0)

    @property
    def held(self) -> int:
        return self.counts.get("held", 0)

    @property
    def unsent(self) -> int:
        return sum(self.counts.get(status, 0) for status in UNSENT)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What was counted."""

    moment: datetime
    counts: Mapping[str, int]
    oldest: datetime | None
    closed: int
    differences: int
    events: Mapping[str, int]
    slow_events: int
    version: str
    runs: list[Run]


def health() -> MeteringHealth:
    """Six queries, however many tenants there are."""
    facts = _facts()
    complaints = list(_complaints(facts))
    levels = {level for level, _ in complaints}
    return MeteringHealth(
        level=next((level for level in (Level.BAD, Level.WARN) if level in levels), Level.OK),
        reasons=[words for _, words in sorted(complaints)],
        counts=facts.counts,
        oldest_unsent=facts.oldest,
        closed_unsent=facts.closed,
        differences=facts.differences,
        webhooks_waiting=facts.events.get("received", 0),
        webhooks_failed=facts.events.get("failed", 0) + facts.events.get("unknown", 0),
        webhook_version=facts.version,
        runs=facts.runs,
    )


def _facts() -> _Facts:
    moment = now()
    batches = MeterReport.objects.filter(status__in=("pending", "sending", "verify", "rejected", "held"))
    events = StripeEvent.objects.filter(status__in=("received", "failed", "unknown"))
    newest = StripeEvent.objects.filter(kind="snapshot").order_by("-received_at").values_list("api_version", flat=True).first()
    rows = batches.values_list("status").annotate(Count("id"), Min("created_at"))
    counts = {status: count for status, count, _ in rows}
    slow = Q(status="received", received_at__lt=moment - BACKLOG)
    by_status = list(events.values_list("status").annotate(Count("id"), slow=Count("id", filter=slow)))
    return _Facts(
        moment=moment,
        counts=counts,
        oldest=min((made for status, _, made in rows if status in UNSENT), default=None),
        closed=_closed_unsent(moment),
        differences=Difference.objects.filter(state=Difference.State.OPEN).count(),
        events={status: count for status, count, _ in by_status},
        slow_events=sum(slow for *_, slow in by_status),
        version=newest or "",
        runs=[Run(*row) for row in ReportingRun.objects.order_by("name").values_list(*Run.__slots__)],
    )


def _closed_unsent(moment: datetime) -> int:
    asked: dict[str, Any] = {"now": moment, "closed": CLOSED}
    with connection.cursor() as cursor:
        cursor.execute(CLOSED_UNSENT, asked)
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def _complaints(facts: _Facts) -> Iterator[tuple[Level, str]]:
    yield from _of_batches(facts)
    if facts.differences:
        yield Level.WARN, f"{_many(facts.differences, 'difference')} between our numbers and Stripe's: look at each."
    if facts.slow_events:
        yield Level.BAD, f"{_many(facts.slow_events, 'webhook')} came more than {_long(BACKLOG)} ago and was not worked off."
    if failed := facts.events.get("failed", 0):
        yield Level.BAD, f"{_many(failed, 'webhook')} failed."
    if unknown := facts.events.get("unknown", 0):
        yield Level.WARN, f"{_many(unknown, 'webhook')} of an object that is none of ours."
    if facts.version and facts.version != API_VERSION:
        yield Level.BAD, f"Stripe sends webhooks of version {facts.version}, and we speak {API_VERSION}."
    for run in facts.runs:
        yield from _of_run(run, facts.moment)


def _of_batches(facts: _Facts) -> Iterator[tuple[Level, str]]:
    waits = facts.moment - facts.oldest if facts.oldest else timedelta(0)
    if waits > SLOW:
        yield (Level.BAD if waits > LATE else Level.WARN), f"The oldest batch waits for {_long(waits)} to be sent."
    if facts.closed:
        yield Level.BAD, f"{_many(facts.closed, 'batch', 'es')} of a period that has ended not sent: its invoice may lack them."
    if rejected := facts.counts.get("rejected", 0):
        yield Level.BAD, f"Stripe could not use {_many(rejected, 'batch', 'es')}. Mend the cause, then send again or waive."
    if verify := facts.counts.get("verify", 0):
        yield Level.WARN, f"Nobody knows whether Stripe has {_many(verify, 'batch', 'es')}: the sums are compared each hour."


def _of_run(run: Run, moment: datetime) -> Iterator[tuple[Level, str]]:
    if run.error:
        yield (Level.BAD if run.error.startswith(DENIED) else Level.WARN), f"The job {run.name}: {run.error}"
    silent = moment - (run.ended_at or run.began_at)
    if silent > EVERY.get(run.name, silent):
        yield Level.BAD, f"The job {run.name} did not run for {_long(silent)}."


def _many(count: int, noun: str, plural: str = "s") -> str:
    return f"{count:,} {noun}{'' if count == 1 else plural}"


def _long(time: timedelta) -> str:
    hours, minutes = divmod(int(time.total_seconds()) // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
