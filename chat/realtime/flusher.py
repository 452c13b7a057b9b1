"""One pipeline to the database: what waits in its queue goes in flushes, one after another, over one connection.

A flush is one pipelined round trip and one implicit transaction: for each tenant its role, then one call of its schema's `append`
and one of `amend`, if there is something for them. A broken connection is opened again and the rows are sent again: `cid` makes
that harmless. What the database refuses is the owner's matter, who learns which tenant it was.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from chat.realtime.amend import AMEND, Change
from chat.realtime.append import APPEND, Call, Row
from chat.realtime.packing import Packed, PackedDumper, kinds_of, pack
from chat.realtime.waiting import Done, Entry, Waiting

log = logging.getLogger(__name__)

FLUSH_ROWS = 500
LOOK = 200  # entries: a part of what may be near
FLUSH_SECONDS = 10.0
RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0)
GIVE_UP_SECONDS = 8.0  # without a database for so long, senders hear `busy` and send again themselves
RECONNECT_SECONDS = 1800.0  # a backend's caches grow with every schema it has touched
CALLS: Final[dict[type, Call]] = {Row: APPEND, Change: AMEND}
KINDS: Final = {kind: kinds_of(call.statement) for kind, call in CALLS.items()}
ENTER: Final = "SELECT set_config('role', %s, true)"  # until the end of the flush's transaction, or the next tenant's
# A function is planned once per schema and connection, by its indexes: planning it costs more than running it for a few rows, and
# what is small when it is planned may be large a minute later.
OPTIONS: Final = (
    "-c statement_timeout=5000 -c lock_timeout={lock_ms} -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off"
)

Groups = list[list[Entry]]  # the entries of one flush, by tenant


class Refused(Exception):  # it carries what the owner decides about
    """The database did not take what one tenant sent; nothing of the flush is stored, unless the rows are repeats now."""

    def __init__(self, place: int, error: Exception) -> None:
        super().__init__(str(error))
        self.place = place  # in the groups
        self.error = error

    @property
    def is_passing(self) -> bool:
        """Whether it may be otherwise in a moment: the tenant's tables are held by somebody."""
        return isinstance(self.error, psycopg.OperationalError)


class GivenUp(Exception):  # it is no fault of the rows
    """No database for a long time."""


@dataclass(slots=True)
class _Sent:
    """One call under way."""

    place: int
    kind: type
    entries: list[Entry]
    cursor: psycopg.AsyncCursor[tuple[Any, ...]]


class Flusher:
    """Lives in one event loop. `flush` gets the groups that are due and settles them, by `send`; it never raises."""

    def __init__(
        self, name: str, dsn: str, flush: Callable[[Groups], Awaitable[None]], *, lock_ms: int, tenants: int | None = None
    ) -> None:
        self.waiting = Waiting()
        self.connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self.failures = 0
        self._name, self._dsn, self._flush, self._tenants = name, dsn, flush, tenants
        self._options = OPTIONS.format(lock_ms=lock_ms)
        self._under_way: dict[UUID, list[Entry]] = {}  # by tenant
        self.rows_under_way = 0
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self._expires = 0.0
        self._statements: dict[tuple[str, type], bytes] = {}

    def start(self) -> None:
        """Begin to flush. A second call changes nothing."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=self._name)

    def add(self, entry: Entry) -> None:
        self.waiting.add(entry)
        self.wake()

    def wake(self) -> None:
        """Something waits."""
        self._idle.clear()
        self._wake.set()

    @property
    def is_free(self) -> bool:
        """Whether what is added goes at once."""
        return not self._under_way and not self.waiting.size

    def holds(self, tenant_id: UUID) -> bool:
        """Whether something of the tenant waits or is under way."""
        return tenant_id in self.waiting.tenants or tenant_id in self._under_way

    def expects(self, tenant_id: UUID, room_id: UUID) -> bool:
        """Whether more of this room is to be stored in a moment, as far as a short look tells."""
        near = chain(self._under_way.get(tenant_id, ()), self.waiting.tenants.get(tenant_id, ()))
        return any(entry.row.room_id == room_id and not entry.is_answered for entry in islice(near, LOOK))

    async def idle(self) -> None:
        """Wait until nothing waits and no flush is under way."""
        if self._task is not None:
            await self._idle.wait()

    async def stop(self) -> None:
        """Go, whatever waits."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        await self._disconnect()

    async def _run(self) -> None:
        while True:
            if not self.waiting.size:
                self._idle.set()
                self._wake.clear()
                await self._wake.wait()
            groups = self.waiting.take(FLUSH_ROWS, tenants=self._tenants)
            self._under_way = {group[0].tenant.id: group for group in groups}
            self.rows_under_way = sum(map(len, groups))
            await self._flush(groups)
            self._under_way, self.rows_under_way = {}, 0

    async def send(self, groups: Groups) -> list[tuple[Entry, Done]]:
        """Store the groups in one transaction; what became of each entry. Raises `Refused` or `GivenUp`."""
        loop = asyncio.get_running_loop()
        give_up, tries = loop.time() + GIVE_UP_SECONDS, 0
        while True:
            try:
                return await self._send(groups)
            except (psycopg.OperationalError, OSError, TimeoutError) as error:
                await self._start_over(groups)
                log.warning("journal: no database (%s); trying again", error)
                if loop.time() > give_up:
                    raise GivenUp from None
                await asyncio.sleep(RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)])
                tries += 1

    async def _send(self, groups: Groups) -> list[tuple[Entry, Done]]:
        connection = await self._connect()
        sent: list[_Sent] = []
        try:
            async with asyncio.timeout(FLUSH_SECONDS), connection.pipeline():
                for place, entries in enumerate(groups):
                    await self._send_group(connection, place, entries, sent)
        except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable) as error:
            raise self._refused(sent, error) from None  # one tenant's tables are held: the others go on
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            raise self._refused(sent, error) from None
        except ValueError as error:  # a row that no text on the wire can hold: what stood before it may be stored
            await self._start_over(groups)
            raise Refused(sent[-1].place, error) from None
        return [pair for one in sent for pair in await _results(one)]

    async def _send_group(
        self, connection: psycopg.AsyncConnection[Any], place: int, entries: list[Entry], sent: list[_Sent]
    ) -> None:
        tenant = entries[0].tenant
        await connection.execute(ENTER, (tenant.role,), prepare=True)
        for kind in CALLS:
            some = [entry for entry in entries if type(entry.row) is kind]
            if some:
                sent.append(_Sent(place, kind, some, connection.cursor()))
                columns = CALLS[kind].columns([entry.row for entry in some])
                rows = [pack(of, column) for of, column in zip(KINDS[kind], columns, strict=True)]
                await sent[-1].cursor.execute(self._statement(tenant.schema, kind), rows, prepare=True)

    def _refused(self, sent: Sequence[_Sent], error: Exception) -> Refused:
        """The first call without a result is the one that failed."""
        self.failures += 1
        return Refused(next((one.place for one in sent if one.cursor.pgresult is None), len(sent) and sent[-1].place), error)

    async def _start_over(self, groups: Groups) -> None:
        """What became of these rows is not known: they go again, over a new connection."""
        self.failures += 1
        for entries in groups:
            for entry in entries:
                entry.is_repeat = True
        await self._disconnect()

    def _statement(self, schema: str, kind: type) -> bytes:
        key = schema, kind
        if key not in self._statements:
            prefix = sql.SQL("{}.").format(sql.Identifier(schema))
            self._statements[key] = sql.SQL(CALLS[kind].statement).format(schema=prefix).as_bytes()
        return self._statements[key]

    async def _connect(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        now = asyncio.get_running_loop().time()
        if self.connection is not None and (self.connection.broken or now > self._expires):
            await self._disconnect()
        if self.connection is None:
            self.connection = await psycopg.AsyncConnection.connect(
                self._dsn, autocommit=True, connect_timeout=5, options=self._options
            )
            self.connection.adapters.register_dumper(Packed, PackedDumper)
            self.connection.prepared_max = 1000
            self._expires = now + RECONNECT_SECONDS
        return self.connection

    async def _disconnect(self) -> None:
        if self.connection is not None:
            connection, self.connection = self.connection, None
            await connection.close()


async def _results(one: _Sent) -> list[tuple[Entry, Done]]:
    read = CALLS[one.kind].read
    return [(entry, read(found)) for entry, found in zip(one.entries, await one.cursor.fetchall(), strict=True)]
