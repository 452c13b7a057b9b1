"""Group commit: the durable append of one process, and the change of what was appended.

Messages and changes of all rooms and tenants that arrived during the last flush go to the database in one pipelined round trip
(`flusher.py`). No timer: an idle process adds no delay. While little is under way, or much of one tenant, what comes of another
does not wait for it: it goes at once, over a connection beside; under load all goes together again. A tenant is in one pipeline
at a time.

When the database refuses a flush because of one tenant (tables that are held, a role that may not be taken, a schema that is
gone, a row it cannot take), that tenant goes aside: to a pipeline of its own, until it has been well for `ASIDE_SECONDS`, where
its rows are parted down to the bad one. The others do not wait for it again.

Bounds: those of chat/limits.py per process and tenant, `FLUSH_ROWS` in one flush, taken from the tenants in turn.
Order: what one sender sent to one room is stored in that order, or refused; when something is refused as `busy`, so is all that
waits behind it.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from chat import metrics
from chat.limits import JOURNAL_SHARE, WAITING_IN_JOURNAL
from chat.realtime.amend import Amended, Change
from chat.realtime.append import Appended, Row
from chat.realtime.flusher import FLUSH_SECONDS, Flusher, GivenUp, Groups, Refused
from chat.realtime.waiting import Answer, Done, Entry, Sent
from saas.core import slow
from saas.core.errors import AppError, Busy, Internal
from tenants.context import TenantRef

log = logging.getLogger(__name__)

FEW_ROWS = 8  # under way in the main pipeline: then others may go beside it; with more it is cheaper to wait and to go together
MANY_OF_ONE = 50  # rows of one tenant in a flush of the main pipeline: nobody else waits for so many
BESIDE = 2  # pipelines beside the main one
LOCK_MS = 200  # how long one tenant's held tables may delay the others, once
ASIDE_LOCK_MS = 1_000
ASIDE_SECONDS = 5.0
BUSY_TRIES = 200  # flushes in which a room may be held by another before the sender hears `busy`
BUSY_SECONDS = 0.005  # the pause after a flush in which every room was held


@dataclass(frozen=True, slots=True)
class Stored:
    """A message or a change that is committed and new."""

    tenant: TenantRef
    row: Sent
    done: Done
    at: float = 0.0  # when, in seconds since 1970


Publish = Callable[[Sequence[Stored]], None]


@dataclass(slots=True)
class Figures:
    """What the journal did since the process started."""

    flushes: int = 0
    rows: int = 0
    refused: int = 0  # for want of room in the queue
    aside: int = 0  # times that a tenant was put aside


class Journal:
    """The pipelines of one process. Lives in one event loop; `start` before the first `append`, `stop` flushes what waits.

    `publish` gets what is new, `repeated` what its sender says again and was stored before, by whomever.
    """

    def __init__(self, dsn: str, publish: Publish, repeated: Publish = lambda _known: None) -> None:
        self._publish, self._repeated = publish, repeated
        self._shared = [self._pipeline(name, dsn) for name in ("journal", *(f"journal-{n}" for n in range(BESIDE)))]
        self._main = self._shared[0]
        self._aside = Flusher("journal-aside", dsn, self._flush_aside, lock_ms=ASIDE_LOCK_MS, tenants=1)
        self._all = (*self._shared, self._aside)
        self._most_of_one = 0  # rows of one tenant in the last flush of the main pipeline
        self._unwell: dict[UUID, float] = {}  # tenants that are aside, and until when at least
        self._unsettled: deque[tuple[float, list[tuple[Entry, Done]]]] = deque()  # committed when, and nobody was told
        self.figures = Figures()

    def _pipeline(self, name: str, dsn: str) -> Flusher:
        def flush(groups: Groups) -> Awaitable[None]:
            return self._flush_main(made, groups)

        made = Flusher(name, dsn, flush, lock_ms=LOCK_MS)
        return made

    @property
    def waiting(self) -> int:
        """How many rows wait."""
        return sum(flusher.waiting.size for flusher in self._all)

    @property
    def failures(self) -> int:
        """Flushes that were refused, or whose answer was lost."""
        return sum(flusher.failures for flusher in self._all)

    def start(self) -> None:
        """Begin to flush. A second call changes nothing."""
        for flusher in self._all:
            flusher.start()

    def append(self, tenant: TenantRef, row: Sent, answer: Answer) -> None:
        """Store the row with the next flush; `answer` gets what became of it, after the commit. Raises `Busy` when full."""
        flusher = self._flusher_of(tenant.id)
        if self.waiting >= WAITING_IN_JOURNAL or flusher.waiting.of(tenant.id) >= WAITING_IN_JOURNAL * JOURNAL_SHARE:
            self.figures.refused += 1
            metrics.REFUSED.add("full")
            raise Busy("Too many messages are waiting to be stored.", retry_after=1.0)
        flusher.add(Entry(tenant, row, answer, time.time()))

    def expects(self, tenant_id: UUID, room_id: UUID) -> bool:
        """Whether more of this room is to be stored in a moment."""
        return any(flusher.expects(tenant_id, room_id) for flusher in self._all if flusher.holds(tenant_id))

    async def put(self, tenant: TenantRef, row: Row) -> Appended:
        """Store the message and wait for the commit. Raises what refused it."""
        done = await self._put(tenant, row)
        assert isinstance(done, Appended)
        return done

    async def change(self, tenant: TenantRef, change: Change) -> Amended:
        """Make the change and wait for the commit. Raises what refused it."""
        done = await self._put(tenant, change)
        assert isinstance(done, Amended)
        return done

    async def _put(self, tenant: TenantRef, row: Sent) -> Done:
        future: asyncio.Future[Done | AppError] = asyncio.get_running_loop().create_future()
        self.append(tenant, row, lambda result: None if future.done() else future.set_result(result))
        result = await future
        if isinstance(result, AppError):
            raise result
        return result

    async def flushed(self, *, seconds: float = FLUSH_SECONDS) -> None:
        """Wait until nothing waits and no flush is under way, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                for flusher in self._all:  # those before may put something aside
                    await flusher.idle()
        except TimeoutError:
            log.error("journal: %d messages were not stored before the process ended", self.waiting)

    async def stop(self, *, seconds: float = FLUSH_SECONDS) -> None:
        """Flush what waits, for so long at most, then close the connections."""
        await self.flushed(seconds=seconds)
        for flusher in self._all:
            await flusher.stop()

    def _flusher_of(self, tenant_id: UUID) -> Flusher:
        """A tenant that is well again comes back when nothing of it is left aside: its order is kept."""
        until = self._unwell.get(tenant_id)
        if until is None:
            return self._shared_for(tenant_id)
        if asyncio.get_running_loop().time() < until or self._aside.holds(tenant_id):
            return self._aside
        del self._unwell[tenant_id]
        return self._shared_for(tenant_id)

    def _shared_for(self, tenant_id: UUID) -> Flusher:
        """Where the tenant is already; else the main pipeline; while that has little to do or much of one, a free one beside."""
        for flusher in self._shared:
            if flusher.holds(tenant_id):
                return flusher
        is_quiet = self._main.rows_under_way <= FEW_ROWS and not self._main.waiting.size
        if is_quiet or self._most_of_one > MANY_OF_ONE:
            return next((flusher for flusher in self._shared if flusher.is_free), self._main)
        return self._main

    async def _flush_main(self, flusher: Flusher, groups: Groups) -> None:
        groups = list(groups)
        if flusher is self._main:
            self._most_of_one = max(map(len, groups))
        while groups:
            try:
                await self._settle(flusher, await flusher.send(groups))
                return
            except Refused as refused:
                self._put_aside(flusher, groups.pop(refused.place), refused.error)
            except Exception as error:
                self._refuse_all(flusher, groups, error)
                return

    def _put_aside(self, flusher: Flusher, entries: list[Entry], error: Exception) -> None:
        """With all that waits of this tenant behind it."""
        tenant = entries[0].tenant
        log.warning("journal: tenant %s goes aside: %s", tenant.id, error)
        self.figures.aside += 1
        metrics.ASIDE.add()
        self._mark_unwell(tenant.id)
        for entry in [*entries, *flusher.waiting.take_tenant(tenant.id)]:
            self._aside.add(entry)

    def _mark_unwell(self, tenant_id: UUID) -> None:
        self._unwell[tenant_id] = asyncio.get_running_loop().time() + ASIDE_SECONDS

    async def _flush_aside(self, groups: Groups) -> None:
        """One tenant, alone: all of it, then half of it, down to the row that is bad."""
        try:
            return await self._settle(self._aside, await self._aside.send(groups))
        except Refused as refused:
            error: Exception = refused
        except Exception as failed:
            error = failed
        entries = groups[0]
        self._mark_unwell(entries[0].tenant.id)
        if not isinstance(error, Refused) or error.is_passing or len(entries) == 1:
            return self._refuse_all(self._aside, groups, error)
        half = len(entries) // 2
        self._aside.waiting.put_back(entries[half:])  # behind what of the first half may have to wait
        return await self._flush_aside([entries[:half]])

    async def _settle(self, flusher: Flusher, results: list[tuple[Entry, Done]]) -> None:
        """Answer the senders, hand what is new to the hub, and put rows of busy rooms back.

        While more waits, the next flush goes first: the database works on it while this process tells of the one before. Not so
        when rooms were busy: what was sent to them stays in order.
        """
        self._unsettled.append((time.time(), results))
        busy = [entry for entry, done in results if done.outcome == "busy"]
        if flusher.waiting.size and not busy:
            asyncio.get_running_loop().call_soon(self._settle_all)
            return
        self._settle_all()
        if busy:
            self._try_again(flusher, busy)
        if busy and len(busy) == len(results):
            await asyncio.sleep(BUSY_SECONDS)

    def _settle_all(self) -> None:
        """What came back from the database, in that order."""
        while self._unsettled:
            self._tell(*self._unsettled.popleft())

    def _tell(self, at: float, results: list[tuple[Entry, Done]]) -> None:
        stored: list[Stored] = []
        latest: tuple[float, Entry] | None = None
        for entry, done in results:
            if done.outcome == "busy":
                continue
            if done.outcome == "stored" or (done.outcome == "again" and entry.is_repeat):
                stored.append(Stored(entry.tenant, entry.row, done, at))
                metrics.APPEND.observe(took := at - entry.came)
                if took > slow.MESSAGE.limit and (latest is None or took > latest[0]):
                    latest = took, entry
            entry.tell(done.error() or done)
        self.figures.flushes += 1
        self.figures.rows += len(stored)
        metrics.MESSAGES.add(count=len(stored))
        if latest is not None:
            took, entry = latest
            slow.MESSAGE.note(took, step="append", rows=len(stored), tenant=entry.tenant.id, room=entry.row.room_id)
        if stored:
            self._publish(stored)
        self._tell_again(at, results)

    def _tell_again(self, at: float, results: list[tuple[Entry, Done]]) -> None:
        again = [(entry, done) for entry, done in results if done.outcome == "again" and not entry.is_repeat]
        if again:
            self._repeated([Stored(entry.tenant, entry.row, done, at) for entry, done in again])

    def _try_again(self, flusher: Flusher, busy: list[Entry]) -> None:
        """Rows of rooms that are held go with the next flush. Who has waited too long is refused, with all they sent after it."""
        for entry in busy:
            entry.tries += 1
        lost = {entry.lane for entry in busy if entry.tries > BUSY_TRIES}
        flusher.waiting.put_back(busy)
        if lost:
            _refuse(flusher.waiting.take_lanes(lost), Busy("The room is very busy. Send the frame again.", retry_after=0.2))

    def _refuse_all(self, flusher: Flusher, groups: Groups, error: Exception) -> None:
        """Nothing of this is stored, or nobody knows: tell the senders, each once."""
        entries = [entry for group in groups for entry in group if not entry.is_answered]
        if isinstance(error, GivenUp):
            metrics.REFUSED.add("away", len(entries))
            refusal: AppError = Busy("The message store does not answer.", retry_after=2.0)
        elif isinstance(error, Refused) and error.is_passing:
            metrics.REFUSED.add("held", len(entries))
            held = Busy("The room's tables are being changed.", retry_after=1.0)
            refusal = error.error if isinstance(error.error, Busy) else held
        else:
            metrics.REFUSED.add("fault", len(entries))
            log.error("journal: a row was refused: %s", error, exc_info=None if isinstance(error, Refused) else error)
            return _refuse(entries, Internal("The message could not be stored."))
        return _refuse([*entries, *flusher.waiting.take_lanes({entry.lane for entry in entries})], refusal)


def _refuse(entries: Sequence[Entry], error: AppError) -> None:
    for entry in entries:
        entry.tell(error)
