"""What waits to be stored: a queue per tenant, in the order of arrival."""

import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias
from uuid import UUID

from chat.realtime.amend import Amended, Change
from chat.realtime.append import Appended, Row
from chat.realtime.protocol.outgoing import Ack, Msg, Upd
from saas.core.errors import AppError
from tenants.context import TenantRef

log = logging.getLogger(__name__)

Done: TypeAlias = Appended | Amended
Sent: TypeAlias = Row | Change
Answer = Callable[[Done | AppError], None]
Lane: TypeAlias = tuple[UUID, UUID, UUID | None]  # tenant, room, author: what keeps its order


def ack_of(row: Sent, done: Done) -> Ack:
    """The answer to the sender of what is committed."""
    if isinstance(done, Appended) and isinstance(row, Row):
        return done.ack(row)
    assert isinstance(done, Amended)
    assert isinstance(row, Change)
    return done.ack(row)


def frame_of(row: Sent, done: Done) -> Msg | Upd:
    """What everyone in the room gets of what is committed and new."""
    if isinstance(done, Appended) and isinstance(row, Row):
        return done.frame(row)
    assert isinstance(done, Amended)
    assert isinstance(row, Change)
    return done.frame(row)


@dataclass(slots=True)
class Entry:
    """A message or a change on its way, and who waits for it."""

    tenant: TenantRef
    row: Sent
    answer: Answer
    came: float = 0.0  # when, in seconds since 1970
    tries: int = 0
    is_answered: bool = False
    is_repeat: bool = False  # it was sent to the database before, and may have been stored though no answer came

    @property
    def lane(self) -> Lane:
        """Whose order it belongs to: one sender in one room."""
        return self.tenant.id, self.row.room_id, self.row.author.id

    def tell(self, result: Done | AppError) -> None:
        """What became of it, to who waits; once."""
        if self.is_answered:
            return
        self.is_answered = True
        try:
            self.answer(result)
        except Exception:
            log.exception("journal: an answer could not be given")


@dataclass(slots=True)
class Waiting:
    """The queues of one pipeline."""

    tenants: dict[UUID, deque[Entry]] = field(default_factory=dict)
    size: int = 0

    def of(self, tenant_id: UUID) -> int:
        """How many entries of one tenant wait."""
        return len(self.tenants.get(tenant_id, ()))

    def add(self, entry: Entry) -> None:
        waiting = self.tenants.get(entry.tenant.id)
        if waiting is None:
            waiting = self.tenants[entry.tenant.id] = deque()
        waiting.append(entry)
        self.size += 1

    def put_back(self, entries: Sequence[Entry]) -> None:
        """To the front, in their order: what one sender sent stays in order."""
        for entry in reversed(entries):
            self.tenants.setdefault(entry.tenant.id, deque()).appendleft(entry)
        self.size += len(entries)

    def take(self, most: int, *, tenants: int | None = None) -> list[list[Entry]]:
        """Up to `most` entries in all, an equal share of each tenant first; one list per tenant, of so many tenants at most."""
        share = max(1, most // max(1, len(self.tenants)))
        taken: list[list[Entry]] = []
        for tenant_id in list(self.tenants)[:tenants]:
            if most <= 0:
                break
            waiting = self.tenants.pop(tenant_id)
            taken.append(_first_of(waiting, min(share, most)))
            most -= len(taken[-1])
            if waiting:
                self.tenants[tenant_id] = waiting  # behind the others: next time they are first
        self.size -= sum(map(len, taken))
        return taken

    def take_tenant(self, tenant_id: UUID) -> list[Entry]:
        """All that waits of one tenant."""
        entries = list(self.tenants.pop(tenant_id, ()))
        self.size -= len(entries)
        return entries

    def take_lanes(self, lanes: Collection[Lane]) -> list[Entry]:
        """All that waits of these senders in these rooms."""
        taken: list[Entry] = []
        for tenant_id in {lane[0] for lane in lanes}:
            entries = self.take_tenant(tenant_id)
            taken += [entry for entry in entries if entry.lane in lanes]
            self.put_back([entry for entry in entries if entry.lane not in lanes])
        return taken


def _first_of(waiting: deque[Entry], most: int) -> list[Entry]:
    """The first entries that may go into one flush: of each room messages or changes, as the first of them is.

    The two are stored by two calls, and a room that is busy in one of them may be free in the other. What may not go with this
    flush holds up what the same sender sent to that room after it, and nobody else.
    """
    if len({type(entry.row) for entry in islice(waiting, most)}) == 1:  # so it is with most
        return [waiting.popleft() for _ in range(min(most, len(waiting)))]
    taken: list[Entry] = []
    left: list[Entry] = []
    kinds: dict[UUID, type] = {}
    held: set[Lane] = set()
    while waiting and len(taken) < most and len(left) < most:
        entry = waiting.popleft()
        kind = type(entry.row)
        if kinds.setdefault(entry.row.room_id, kind) is kind and not (held and entry.lane in held):
            taken.append(entry)
        else:
            held.add(entry.lane)
            left.append(entry)
    waiting.extendleft(reversed(left))
    return taken
