"""Who sends what: batches claimed with a lease on their meter, and what became of them written down, many at once."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import connection

from billing.clock import now
from billing.reporting import sending_sql as sql

LENGTH: Final = timedelta(seconds=120)  # of a lease
LONGEST_CALL: Final = 45.0  # seconds that one call may take with the SDK's own retries: not begun when less is left of the lease
BLIND: Final = timedelta(hours=20)  # after which nobody sends a batch again that was tried: Stripe knows its key for 24
EACH: Final = 40  # batches of a meter at a time
FIRST: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A batch to be sent. `is_first`: nobody tried it before."""

    id: UUID
    identifier: str
    quantity: int
    event_time: datetime
    attempts: int
    is_first: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """The batches of one tenant's meter, to be sent one after the other; the last call begins before `until` (monotonic)."""

    position: UUID
    customer: str
    event_name: str
    batches: Sequence[Claimed]
    until: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a claimed batch. `is_untouched`: Stripe has certainly not seen it, in this call or in one before."""

    batch: UUID
    status: str
    error: str = ""
    next_attempt_at: datetime | None = None
    is_untouched: bool = False
    is_untried: bool = False  # no call was made at all


class Leases:
    """The leases of one sender."""

    def __init__(self, account_id: UUID | None = None) -> None:
        self._lease, self._account = uuid4(), account_id

    def claim(self, chains: int, *, after: UUID = FIRST) -> list[Chain]:
        """Up to so many meters with batches that are due, in the order of their positions, which begin behind `after`."""
        until = time.monotonic() + LENGTH.total_seconds() - LONGEST_CALL
        asked: dict[str, Any] = {
            "chains": chains,
            "after": after,
            "each": EACH,
            "lease": self._lease,
            "length": LENGTH,
            "account": self._account,
        }
        with connection.cursor() as cursor:
            cursor.execute(sql.CLAIM, asked | {"now": now(), "blind": now() - BLIND})
            return _chains(sorted(cursor.fetchall(), key=lambda row: (row[0], *row[9:])), until)

    def settle(self, answers: Sequence[Answer], done: Collection[UUID]) -> None:
        """Write down what became of batches, and give up the leases of these positions."""
        moment = now()
        asked: dict[str, Any] = {
            "ids": [answer.batch for answer in answers],
            "statuses": [answer.status for answer in answers],
            "errors": [answer.error[:500] for answer in answers],
            "next": [answer.next_attempt_at or moment for answer in answers],
            "sent": [moment if answer.status == "sent" else None for answer in answers],
            "untouched": [answer.is_untouched for answer in answers],
            "untried": [int(answer.is_untried) for answer in answers],
        }
        with connection.cursor() as cursor:
            cursor.execute(sql.SETTLE, asked | {"lease": self._lease, "done": list(done)})


def _chains(rows: Sequence[tuple[Any, ...]], until: float) -> list[Chain]:
    """Rows stand in the order of their positions."""
    chains: dict[UUID, Chain] = {}
    batches: dict[UUID, list[Claimed]] = {}
    for position, customer, event_name, *batch in rows:
        mine = batches.setdefault(position, [])
        chains.setdefault(position, Chain(position, customer, event_name, mine, until))
        mine.append(Claimed(*batch[:6]))
    return list(chains.values())
