"""Group commit: the durable append of one process.

Messages of all rooms and tenants that arrived during the last flush go to the database in one pipelined round trip: for each
tenant its role, then one call of its schema's `append`. No timer: an idle process adds no delay. The whole flush is one implicit
transaction. When it fails, each tenant is tried alone, then each half of its rows, so that one bad row or one dropped schema
fails nobody else. A broken connection is opened again and the rows are sent again: `cid` makes that harmless.

Bounds: `MAX_WAITING` rows per process, a tenant's share of them, `FLUSH_ROWS` in one flush, taken from the tenants in turn.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from chat.realtime.append import CALL, Appended, Row, appended, columns
from saas.core.errors import AppError, Busy, Internal
from tenants.context import TenantRef

log = logging.getLogger(__name__)

FLUSH_ROWS = 500
MAX_WAITING = 10_000
TENANT_SHARE = 0.5  # of MAX_WAITING that one tenant may hold
BUSY_TRIES = 200  # flushes in which a room may be held by another before the sender hears `busy`
BUSY_SECONDS = 0.005  # the pause after a flush in which every room was held
FLUSH_SECONDS = 10.0
RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0)
GIVE_UP_SECONDS = 8.0  # without a database for so long, senders hear `busy` and send again themselves
RECONNECT_SECONDS = 1800.0  # a backend's caches grow with every schema it has touched

Answer = Callable[[Appended | AppError], None]


@dataclass(slots=True)
class Entry:
    """A row on its way, and who waits for it."""

    tenant: TenantRef
    row: Row
    answer: Answer
    tries: int = 0
    is_answered: bool = False
    is_repeat: bool = False  # it was sent to the database before, and may have been stored though no answer came


@dataclass(frozen=True, slots=True)
class Stored:
    """A row that is committed and new."""

    tenant: TenantRef
    row: Row
    done: Appended


Publish = Callable[[Sequence[Stored]], None]


@dataclass(slots=True)
class Figures:
    """What the journal did since the process started."""

    flushes: int = 0
    rows: int = 0
    refused: int = 0
    failures: int = 0


@dataclass(slots=True)
class _Queue:
    """What waits, per tenant, in the order of arrival."""

    tenants: dict[UUID, deque[Entry]] = field(default_factory=dict)
    size: int = 0

    def add(self, entry: Entry) -> None:
        waiting = self.tenants.setdefault(entry.tenant.id, deque())
        if self.size >= MAX_WAITING or len(waiting) >= MAX_WAITING * TENANT_SHARE:
            raise Busy("Too many messages are waiting to be stored.", retry_after=1.0)
        waiting.append(entry)
        self.size += 1

    def put_back(self, entries: Sequence[Entry]) -> None:
        """To the front, in their order: what one sender sent stays in order."""
        for entry in reversed(entries):
            self.tenants.setdefault(entry.tenant.id, deque()).appendleft(entry)
        self.size += len(entries)

    def take(self, most: int) -> list[list[Entry]]:
        """Up to `most` entries in all, an equal share of each tenant first; one list per tenant."""
        share = max(1, most // max(1, len(self.tenants)))
        taken: list[list[Entry]] = []
        for tenant_id in list(self.tenants):
            if most <= 0:
                break
            waiting = self.tenants.pop(tenant_id)
            count = min(share, most, len(waiting))
            taken.append([waiting.popleft() for _ in range(count)])
            most -= count
            if waiting:
                self.tenants[tenant_id] = waiting  # behind the others: next time they are first
        self.size -= sum(map(len, taken))
        return taken


class Journal:
    """The pipeline of one process. Lives in one event loop; `start` before the first `append`, `stop` flushes what waits."""

    def __init__(self, dsn: str, publish: Publish) -> None:
        self._dsn = dsn
        self._publish = publish
        self._queue = _Queue()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._expires = 0.0
        self._calls: dict[str, sql.Composed] = {}
        self.figures = Figures()

    def start(self) -> None:
        """Begin to flush. A second call changes nothing."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="journal")

    def append(self, tenant: TenantRef, row: Row, answer: Answer) -> None:
        """Store the row with the next flush; `answer` gets what became of it, after the commit. Raises `Busy` when full."""
        try:
            self._queue.add(Entry(tenant, row, answer))
        except Busy:
            self.figures.refused += 1
            raise
        self._idle.clear()
        self._wake.set()

    async def put(self, tenant: TenantRef, row: Row) -> Appended:
        """Store the row and wait for the commit. Raises what refused it."""
        future: asyncio.Future[Appended | AppError] = asyncio.get_running_loop().create_future()
        self.append(tenant, row, lambda result: None if future.done() else future.set_result(result))
        result = await future
        if isinstance(result, AppError):
            raise result
        return result

    async def flushed(self) -> None:
        """Wait until nothing waits and no flush is under way, at most `FLUSH_SECONDS`."""
        if self._task is None:
            return
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            log.error("journal: %d messages were not stored before the process ended", self._queue.size)

    async def stop(self) -> None:
        """Flush what waits, then close the connection."""
        if self._task is None:
            return
        await self.flushed()
        self._task.cancel()
        self._task = None
        await self._disconnect()

    async def _run(self) -> None:
        while True:
            if not self._queue.size:
                self._idle.set()
                self._wake.clear()
                await self._wake.wait()
            groups = self._queue.take(FLUSH_ROWS)
            try:
                await self._flush(groups)
            except Exception:
                log.exception("journal: a flush ended in an error of ours")
                _refuse(groups, Internal("The message could not be stored."))  # those who were not answered before it

    async def _flush(self, groups: list[list[Entry]]) -> None:
        loop = asyncio.get_running_loop()
        give_up, tries = loop.time() + GIVE_UP_SECONDS, 0
        while True:
            try:
                return await self._settle(await self._send(groups))
            except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable) as error:
                return await self._apart(groups, error)  # one tenant's tables are held: the others go on
            except (psycopg.OperationalError, OSError, TimeoutError) as error:
                await self._start_over(groups)
                log.warning("journal: no database (%s); trying again", error)
                if loop.time() > give_up:
                    return _refuse(groups, Busy("The message store does not answer.", retry_after=2.0))
                await asyncio.sleep(RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)])
                tries += 1
            except psycopg.Error as error:
                return await self._apart(groups, error)
            except ValueError as error:  # a row that no text on the wire can hold: what stood before it may be stored
                await self._start_over(groups)
                return await self._apart(groups, error)

    async def _start_over(self, groups: list[list[Entry]]) -> None:
        """What became of these rows is not known: they go again, over a new connection."""
        self.figures.failures += 1
        for entries in groups:
            for entry in entries:
                entry.is_repeat = True
        await self._disconnect()

    async def _apart(self, groups: list[list[Entry]], error: Exception) -> None:
        """A failed flush again, in smaller parts: tenants first, then halves of one tenant's rows."""
        self.figures.failures += 1
        if len(groups) == 1 and isinstance(error, psycopg.OperationalError):
            return _refuse(groups, Busy("The room's tables are being changed.", retry_after=1.0))
        if len(groups) == 1 and len(groups[0]) == 1:
            log.error("journal: tenant %s: a row was refused: %s", groups[0][0].tenant.id, error)
            return _refuse(groups, Internal("The message could not be stored."))
        rows = groups[0]
        parts = [[group] for group in groups] if len(groups) > 1 else [[rows[: len(rows) // 2]], [rows[len(rows) // 2 :]]]
        for part in parts:
            await self._flush(part)
        return None

    async def _send(self, groups: list[list[Entry]]) -> list[tuple[Entry, Appended]]:
        connection = await self._connect()
        cursors: list[psycopg.AsyncCursor[tuple[Any, ...]]] = []
        async with asyncio.timeout(FLUSH_SECONDS), connection.pipeline():
            for entries in groups:
                tenant = entries[0].tenant
                await connection.execute("SELECT set_config('role', %s, true)", (tenant.role,), prepare=True)
                call, rows = self._call(tenant.schema), columns([entry.row for entry in entries])
                cursors.append(await connection.execute(call, rows, prepare=True))
        return [
            (entry, appended(found))
            for entries, cursor in zip(groups, cursors, strict=True)
            for entry, found in zip(entries, await cursor.fetchall(), strict=True)
        ]

    async def _settle(self, results: list[tuple[Entry, Appended]]) -> None:
        """Answer the senders, hand new rows to the hub, and put rows of busy rooms back."""
        stored: list[Stored] = []
        busy: list[Entry] = []
        for entry, done in results:
            if done.outcome == "busy" and entry.tries < BUSY_TRIES:
                entry.tries += 1
                busy.append(entry)
                continue
            if done.outcome == "stored" or (done.outcome == "again" and entry.is_repeat):
                stored.append(Stored(entry.tenant, entry.row, done))
            _answer(entry, done.error() or done)
        self.figures.flushes += 1
        self.figures.rows += len(stored)
        self._queue.put_back(busy)
        if stored:
            self._publish(stored)
        elif busy:
            await asyncio.sleep(BUSY_SECONDS)

    def _call(self, schema: str) -> sql.Composed:
        if schema not in self._calls:
            self._calls[schema] = sql.SQL(CALL).format(schema=sql.SQL("{}.").format(sql.Identifier(schema)))
        return self._calls[schema]

    async def _connect(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        now = asyncio.get_running_loop().time()
        if self._connection is not None and (self._connection.broken or now > self._expires):
            await self._disconnect()
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(
                self._dsn, autocommit=True, connect_timeout=5, options="-c statement_timeout=5000 -c lock_timeout=1000"
            )
            self._connection.prepared_max = 1000
            self._expires = now + RECONNECT_SECONDS
        return self._connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()


def _answer(entry: Entry, result: Appended | AppError) -> None:
    """Tell the sender, once."""
    if entry.is_answered:
        return
    entry.is_answered = True
    try:
        entry.answer(result)
    except Exception:
        log.exception("journal: an answer could not be given")


def _refuse(groups: list[list[Entry]], error: AppError) -> None:
    for entries in groups:
        for entry in entries:
            _answer(entry, error)
