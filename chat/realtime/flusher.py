"""One pipeline to the database: what waits in its queue goes in flushes, one after another, over one connection.

A flush is one pipelined round trip and one implicit transaction: for each tenant its role, then one call of its schema's `append`
and one of `amend`, if there is something for them. A broken connection is opened again and the rows are sent again: `cid` makes
that harmless. What the database refuses is the owner's matter, who learns which tenant it was.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from math import ceil
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from chat import metrics
from chat.realtime.amend import AMEND, Change
from chat.realtime.append import APPEND, Call, Row
from chat.realtime.packing import kinds_of, pack, text
from chat.realtime.round_trip import Command, Failed, RoundTrips, numbered
from chat.realtime.waiting import Done, Entry, Waiting
from tenants.postgresql.base import Shut

log = logging.getLogger(__name__)

FLUSH_ROWS = 500
LOOK = 200  # entries: a part of what may be near
FEW_TENANTS = 4  # go together; of more only half, so that a call, which costs as much as ten rows, has more rows the next time
FLUSH_SECONDS = 10.0
RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0)
GIVE_UP_SECONDS = 8.0  # without a database for so long, senders hear `busy` and send again themselves
RECONNECT_SECONDS = 1800.0  # a backend's caches grow with every schema it has touched
CALLS: Final[dict[type, Call]] = {Row: APPEND, Change: AMEND}
KINDS: Final = {kind: kinds_of(call.statement) for kind, call in CALLS.items()}
ENTER: Final = b"SELECT set_config('role', $1, true)"  # until the end of the flush's transaction, or the next tenant's
# A function is planned once per schema and connection, by its indexes: planning it costs more than running it for a few rows, and
# what is small when it is planned may be large a minute later.
OPTIONS: Final = (
    "-c statement_timeout=5000 -c lock_timeout={lock_ms} -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off"
)

HELD: Final = (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable)  # one tenant's tables are: the others go on

Groups = list[list[Entry]]  # the entries of one flush, by tenant


class Refused(Exception):  # it carries what the owner decides about
    """The database did not take what one tenant sent; nothing of the flush is stored, unless the rows are repeats now."""

    def __init__(self, place: int, error: Exception) -> None:
        super().__init__(str(error))
        self.place = place  # in the groups
        self.error = error

    @property
    def is_passing(self) -> bool:
        """Whether it may be otherwise in a moment: the tenant's tables are held by somebody, or it is shut."""
        return isinstance(self.error, psycopg.OperationalError | Shut)


class GivenUp(Exception):  # it is no fault of the rows
    """No database for a long time."""


@dataclass(slots=True)
class _Call:
    """One call to be sent."""

    place: int  # of its tenant in the groups
    kind: type
    entries: list[Entry]
    commands: tuple[Command, Command]  # the tenant's role, then the call


class Flusher:
    """Lives in one event loop. `flush` gets the groups that are due and settles them, by `send`; it never raises."""

    def __init__(
        self, name: str, dsn: str, flush: Callable[[Groups], Awaitable[None]], *, lock_ms: int, tenants: int | None = None
    ) -> None:
        self.waiting = Waiting()
        self.connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._trips: RoundTrips | None = None
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
            groups = self.waiting.take(FLUSH_ROWS, tenants=self._tenants or max(FEW_TENANTS, ceil(len(self.waiting.tenants) / 2)))
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
        calls = [call for place, entries in enumerate(groups) for call in self._calls(place, entries)]
        await self._connect()
        assert self._trips is not None
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                answers = await self._trips.run([command for call in calls for command in call.commands])
        except Failed as failed:
            if isinstance(failed.error, psycopg.OperationalError) and not isinstance(failed.error, HELD):
                raise failed.error from None
            self.failures += 1
            raise Refused(calls[min(failed.place // 2, len(calls) - 1)].place, _why(failed)) from None
        metrics.FLUSH_TIME.observe(clock() - began)
        metrics.FLUSH_ROWS.observe(sum(map(len, groups)))
        return [pair for call, found in zip(calls, answers[1::2], strict=True) for pair in _results(call, found)]

    def _calls(self, place: int, entries: list[Entry]) -> Iterator[_Call]:
        """Those of one tenant. Raises `Refused` for a row that no text on the wire can hold."""
        tenant = entries[0].tenant
        for kind in CALLS:
            some = [entry for entry in entries if type(entry.row) is kind]
            if some:
                try:
                    columns = CALLS[kind].columns([entry.row for entry in some])
                    packed = [pack(of, column) for of, column in zip(KINDS[kind], columns, strict=True)]
                except ValueError as error:
                    self.failures += 1
                    raise Refused(place, error) from None
                commands = Command(ENTER, [text(tenant.role)]), Command(self._statement(tenant.schema, kind), packed)
                yield _Call(place, kind, some, commands)

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
            self._statements[key] = numbered(sql.SQL(CALLS[kind].statement).format(schema=prefix).as_string())
        return self._statements[key]

    async def _connect(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        now = asyncio.get_running_loop().time()
        if self.connection is not None and (self.connection.broken or now > self._expires or self._is_worn):
            await self._disconnect()
        if self.connection is None:
            self.connection = await psycopg.AsyncConnection.connect(
                self._dsn, autocommit=True, connect_timeout=5, options=self._options
            )
            self._trips = RoundTrips(self.connection)
            self._expires = now + RECONNECT_SECONDS
        return self.connection

    @property
    def _is_worn(self) -> bool:
        return self._trips is not None and self._trips.is_worn

    async def _disconnect(self) -> None:
        if self.connection is not None:
            connection, self.connection = self.connection, None
            await connection.close()


def _why(failed: Failed) -> Exception:
    """What the database said; Shut where it was the tenant's role that it refused, the first command of each call."""
    is_role = failed.place % 2 == 0
    return Shut() if is_role and isinstance(failed.error, psycopg.errors.InsufficientPrivilege) else failed.error


def _results(call: _Call, found: list[tuple[Any, ...]]) -> Iterator[tuple[Entry, Done]]:
    return zip(call.entries, CALLS[call.kind].read([entry.row for entry in call.entries], found), strict=True)
