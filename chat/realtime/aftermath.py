"""What is due after messages were stored and told: who must be notified of them. Gathered here, looked at in batches.

The send path only notes what a batch will look at, in memory: a room with a new line of a visitor, a line that may name somebody.
Each tenant's notes go to the database together, and apart from those of the others; a room in which many lines come is looked at
once in a while. A process that is killed takes the notes of its last seconds along; what waits when it ends in order is looked at
first.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol
from uuid import UUID

from django.db import InterfaceError, OperationalError

from chat.realtime.append import Appended, Row
from chat.realtime.by_tenant import ByTenant
from chat.realtime.protocol.outgoing import Notice
from chat.realtime.waiting import Done, Sent
from saas.core.registry import Hook
from tenants.context import TenantRef, run_for_tenant

log = logging.getLogger(__name__)

GATHER_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 10.0  # between two looks at one room
RETRY_SECONDS: Final = 2.0  # while the database is away
AT_ONCE: Final = 4  # tenants; half of the threads that tenants share, where `DATABASE_POOL` is as it comes
MOST_LINES: Final = 1_000  # of a tenant that may wait with names in them; more are passed over
MOST_ROOMS: Final = 200  # of a tenant that are looked at in one go; the others wait for the next

due = Hook("due")  # tenant: TenantRef, batch: Batch -> [Told]; in a thread, outside of the tenant


class Published(Protocol):
    """A message or a change that is committed and new."""

    @property
    def tenant(self) -> TenantRef: ...
    @property
    def row(self) -> Sent: ...
    @property
    def done(self) -> Done: ...


@dataclass(frozen=True, slots=True)
class Line:
    """A message that is stored."""

    id: UUID
    seq: int
    row: Row


@dataclass(slots=True)
class Batch:
    """What is to be looked at of one tenant."""

    rooms: dict[UUID, Line] = field(default_factory=dict)  # with the newest line of a visitor
    naming: list[Line] = field(default_factory=list)  # lines that may name somebody
    looking: dict[UUID, set[UUID]] = field(default_factory=dict)  # by room: who looks at it now


@dataclass(frozen=True, slots=True)
class Told:
    """A notification that was stored: what it says, and for each recipient the id of their own copy."""

    notice: Notice
    to: list[tuple[UUID, UUID]]


class Aftermath:
    """The notes of one process. Lives in one event loop."""

    def __init__(
        self,
        looking: Callable[[TenantRef, UUID], set[UUID]],
        tell: Callable[[TenantRef, Notice, Sequence[tuple[UUID, UUID]]], None],
    ) -> None:
        self._looking, self._tell = looking, tell
        self._waiting: dict[TenantRef, Batch] = {}
        self._looked: dict[tuple[UUID, UUID], float] = {}  # tenant and room: when
        self._by_tenant = ByTenant("notifications", self._flush_patiently, self._waiting.__contains__, most=AT_ONCE)

    def heed(self, stored: Sequence[Published]) -> None:
        """Note what these lines may cause. Costs no wait."""
        for one in stored:
            row, done = one.row, one.done
            if not isinstance(row, Row) or not isinstance(done, Appended) or row.kind == "system":
                continue
            by_visitor, may_name = row.author.kind == "visitor", "@" in row.text
            if by_visitor or may_name:
                self._note(one.tenant, Line(done.id, done.seq, row), by_visitor=by_visitor, may_name=may_name)

    def _note(self, tenant: TenantRef, line: Line, *, by_visitor: bool, may_name: bool) -> None:
        batch = self._waiting.get(tenant)
        if batch is None:
            batch = self._waiting[tenant] = Batch()
        if by_visitor and line.seq >= (known.seq if (known := batch.rooms.get(line.row.room_id)) else 0):
            batch.rooms[line.row.room_id] = line
        if may_name and len(batch.naming) < MOST_LINES:
            batch.naming.append(line)
        self._by_tenant.wake(tenant, gather=GATHER_SECONDS, retry=RETRY_SECONDS)

    async def flush(self, *, patient: bool = False, seconds: float | None = None) -> bool:
        """Look at what waits, behind what is under way; with `patient` not at rooms that were looked at a moment ago, with
        `seconds`, which each tenant has, as the last. False: some tenant could not be.
        """
        work = self._flush_patiently if patient else self._flush_all
        return await self._by_tenant.all(list(self._waiting), work, seconds=seconds)

    def stop(self) -> None:
        """Look at nothing more by itself."""
        self._by_tenant.stop()

    async def _flush_patiently(self, tenant: TenantRef) -> bool:
        batch = self._take(tenant, patient=True)
        return batch is None or await self._look(tenant, batch)

    async def _flush_all(self, tenant: TenantRef) -> bool:
        batch = self._take(tenant, patient=False)
        return batch is None or await self._look(tenant, batch)

    def _take(self, tenant: TenantRef, *, patient: bool) -> Batch | None:
        """What is due of a tenant; the rest waits on."""
        waiting, now = self._waiting.pop(tenant, Batch()), asyncio.get_running_loop().time()
        later = self._not_yet(tenant, waiting, now) if patient else {}
        if later:
            self._waiting[tenant] = Batch(rooms=later)
        if not waiting.rooms and not waiting.naming:
            return None
        self._looked |= dict.fromkeys(((tenant.id, room) for room in waiting.rooms), now)
        if len(self._looked) > 2 * MOST_LINES:
            self._looked = {key: when for key, when in self._looked.items() if now - when < PAUSE_SECONDS}
        rooms = {*waiting.rooms, *(line.row.room_id for line in waiting.naming)}
        waiting.looking = {room: self._looking(tenant, room) for room in rooms}
        return waiting

    def _not_yet(self, tenant: TenantRef, waiting: Batch, now: float) -> dict[UUID, Line]:
        """Taken out of what waits: rooms that were looked at a moment ago, and of the others the newest that are too many."""
        ready = (room for room in waiting.rooms if now - self._looked.get((tenant.id, room), -now) >= PAUSE_SECONDS)
        now_due = dict.fromkeys(islice(ready, MOST_ROOMS))
        return {room: waiting.rooms.pop(room) for room in list(waiting.rooms) if room not in now_due}

    async def _look(self, tenant: TenantRef, batch: Batch) -> bool:
        """Whether it could be looked at, or never can be."""
        try:
            answers = await run_for_tenant(tenant, lambda: due(tenant=tenant, batch=batch))
        except (OperationalError, InterfaceError) as error:
            log.warning("who must hear of new lines of tenant %s is not known yet: %s", tenant.id, error)
            self._put_back(tenant, batch)
            return False
        except Exception as error:
            log.error("who must hear of new lines of tenant %s cannot be known: %s: %s", tenant.id, type(error).__name__, error)
            return True
        for told in [told for answer in answers for told in answer]:
            self._tell(tenant, told.notice, told.to)
        return True

    def _put_back(self, tenant: TenantRef, batch: Batch) -> None:
        """Before what came meanwhile."""
        newer = self._waiting.get(tenant, Batch())
        self._waiting[tenant] = Batch(batch.rooms | newer.rooms, [*batch.naming, *newer.naming][:MOST_LINES])
        for room in batch.rooms:
            self._looked.pop((tenant.id, room), None)
