"""Usage events made into batches: what each tenant used of each meter in an hour that is over, or in the part of it that lies in
one period. A batch never changes; what came late makes another one that holds the difference.

All of this counts by the time of the sources' ids. Runs of it wait for each other.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from billing.clock import now
from billing.models import Meter
from billing.reporting import freezing_sql as sql

ONE_AT_A_TIME: Final = 0x66726565  # advisory lock
DRAFT: Final = timedelta(hours=1)  # for which Stripe keeps a renewal's invoice open
RESCAN: Final = timedelta(hours=26)  # that a period's end looks back for rows that came late


def freeze(until: datetime) -> int:
    """Make the batches of all hours and periods that were over by `until`, of all tenants; how many. Three statements."""
    return _freeze(until=until)


def freeze_period(account_id: UUID, until: datetime) -> int:
    """The same of one tenant up to exactly `until`, though its hour still runs, with what came late in the last day."""
    return _freeze(until=until, account=account_id, since=until - RESCAN, running=True)


def late_rows(since: datetime, account_id: UUID | None = None) -> int:
    """Batches for rows that came after their hour was frozen, from `since` on; how many. An hour that adds up costs no row."""
    return _freeze(until=since, account=account_id, since=since)


def _freeze(*, until: datetime, account: UUID | None = None, since: datetime | None = None, running: bool = False) -> int:
    asked: dict[str, Any] = {"until": until, "since": since, "account": account, "running": running, "now": now(), "grace": DRAFT}
    with transaction.atomic():
        wait_for_others()
        with connection.cursor() as cursor:
            cursor.execute(sql.POSITIONS, asked | {"meters": list(Meter)})
            cursor.execute(sql.FREEZE, asked)
            row: tuple[Any, ...] | None = cursor.fetchone()
    return int(row[0]) if row else 0


def wait_for_others() -> None:
    """Until this transaction ends nobody else makes batches. Without JIT: it takes longer than what it makes faster."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s), set_config('jit', 'off', true)", [ONE_AT_A_TIME])
