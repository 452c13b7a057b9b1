"""The server's heartbeat: a ping with the heads of the socket's rooms, an eye on silence and on tokens that run out, and a look
at whether its owner may still be where they are, should the order that ended it have been lost.

Sockets are spread over `PING_SECONDS` slots, one slot a second, so that no beat comes all at once.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from itertools import count
from typing import Any
from uuid import UUID

from chat.access import lost_places
from chat.realtime import groups
from chat.realtime.expulsion import Seat, all_out, obey_out, put_out_lost, seats_of
from chat.realtime.hub import hub, running_hub
from chat.realtime.protocol.codes import PING_SECONDS, PONG_SECONDS, Close
from chat.realtime.protocol.outgoing import PingOut
from chat.realtime.session import Session
from chat.realtime.staying import end_of_stay
from chat.selectors.messages import Head, heads
from saas.core.logs import apart
from tenants.context import TenantRef
from tenants.plans import a_plan_of
from tenants.reading import read_in_tenant

log = logging.getLogger(__name__)

HEADS_SECONDS = 20.0  # how old a head in a ping may be
MOST_SEATS = 2_000  # places in rooms in one question
READ_SECONDS = 4.0  # for which a ping waits for the database; it must reach the client within `PONG_SECONDS` of its time
AT_ONCE = 16  # sockets of one beat whose owners are looked at at the same time; nearly all of it is in memory


class Beats:
    """One wheel of slots for the sockets of an event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._slots: list[set[Session]] = [set() for _ in range(PING_SECONDS)]
        self._place: dict[Session, int] = {}
        self._next = count()
        self._heads: dict[tuple[UUID, UUID], tuple[float, int]] = {}  # by tenant and room: when read, and the head
        self._beating: set[asyncio.Task[None]] = set()
        self._task = self.loop.create_task(self._turn(), name="beats")

    def add(self, session: Session) -> None:
        """Beat for this socket from now on."""
        place = next(self._next) % PING_SECONDS
        self._place[session] = place
        self._slots[place].add(session)

    def remove(self, session: Session) -> None:
        """No more; a socket that was never added is no error."""
        if (place := self._place.pop(session, None)) is not None:
            self._slots[place].discard(session)

    async def _turn(self) -> None:
        """One slot a second, on time: a beat that waits for the database holds up no other."""
        began = self.loop.time()
        for tick in count(1):
            await asyncio.sleep(max(0.0, began + tick - self.loop.time()))
            due = [session for session in self._slots[tick % PING_SECONDS] if self._is_well(session)]
            if due:
                task = self.loop.create_task(self._beat(due), name="beat")
                self._beating.add(task)
                task.add_done_callback(self._beating.discard)

    async def _beat(self, due: list[Session]) -> None:
        """All at once, each with its own patience: what one of them waits for takes no time from the others."""
        await asyncio.gather(_in_time(_each(due, _end_if_revoked)), _in_time(_each(due, _change_plan)), _in_time(self._look(due)))
        for session in due:
            self._ping(session)

    def _is_well(self, session: Session) -> bool:
        """False for a socket that is ended here: its token has run out, or its peer is silent since before the last ping."""
        if session.principal.expires < time.time():
            session.end(Close.TOKEN_EXPIRED)
            return False
        if session.pings and self.loop.time() - session.heard > PING_SECONDS + PONG_SECONDS:
            session.end(Close.RESTART)
            return False
        return True

    async def _look(self, due: list[Session]) -> None:
        """Ask the database what is true. Each tenant for itself: one whose tables are held delays no other."""
        tenants: dict[TenantRef, list[Session]] = {}
        for session in due:
            tenants.setdefault(session.tenant, []).append(session)
        looks = [self._look_at(tenant, theirs) for tenant, theirs in tenants.items()]
        for error in await asyncio.gather(*looks, return_exceptions=True):
            if isinstance(error, Exception):
                log.warning("a tenant's rooms are not looked at: %s: %s", type(error).__name__, error)
        if len(self._heads) > 2 * sum(len(session.rooms) for session in self._place) + 1_000:
            now = self.loop.time()
            self._heads = {place: seen for place, seen in self._heads.items() if seen[0] > now - HEADS_SECONDS}

    async def _look_at(self, tenant: TenantRef, theirs: list[Session]) -> None:
        """The heads that are too old, and who may not be in a room any more: in one query each, and one hop."""
        known = running_hub()
        seats = seats_of(known.local, theirs) if known else []
        for start in range(0, max(1, len(seats)), MOST_SEATS):
            some = seats[start : start + MOST_SEATS]
            await self._ask(tenant, self._stale(tenant, theirs) if start == 0 else [], some)

    def _stale(self, tenant: TenantRef, theirs: list[Session]) -> list[UUID]:
        """The rooms whose heads are too old."""
        before = self.loop.time() - HEADS_SECONDS
        rooms = {room for session in theirs for room in session.rooms}
        return [room for room in rooms if self._heads.get((tenant.id, room), (0.0, 0))[0] < before]

    async def _ask(self, tenant: TenantRef, rooms: list[UUID], seats: list[Seat]) -> None:
        if not rooms and not seats:
            return
        now = self.loop.time()
        found, lost = await read_in_tenant(tenant, _found, rooms, [seat.place for seat in seats])
        if lost:
            put_out_lost(seats, lost, hub())
        for room_id, head in found.items():
            if hub().saw_head(tenant, room_id, head, asked=now):
                self._heads[tenant.id, room_id] = (now, head.seq)
        for room_id in set(rooms) - set(found):  # it is no more, and the order that says so was lost
            obey_out(hub().local, hub(), groups.room(tenant.id, room_id), all_out())

    def _ping(self, session: Session) -> None:
        if session in self._place:
            session.pings += 1
            seen = {room: self._heads.get((session.tenant.id, room)) for room in session.rooms}
            session.send(PingOut(n=session.pings, heads={str(room): found[1] for room, found in seen.items() if found}))


async def _in_time(work: Coroutine[Any, Any, None]) -> None:
    """For as long as a ping can wait."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            await work
    except Exception as error:
        log.warning("a ping goes without all that was to be looked at: %s: %s", type(error).__name__, error)


async def _each(due: list[Session], look: Callable[[Session], Awaitable[None]]) -> None:
    """At each of these, a few at a time; one that cannot be looked at harms only itself."""
    waiting, failed = iter(due), []

    async def some() -> None:
        for session in waiting:
            try:
                await look(session)
            except Exception as error:
                failed.append(error)

    await asyncio.gather(*(some() for _ in range(min(AT_ONCE, len(due)))))
    if failed:
        log.warning("%d sockets could not be looked at: %s: %s", len(failed), type(failed[0]).__name__, failed[0])


async def _end_if_revoked(session: Session) -> None:
    """Who may not stay, if the order to end their socket was lost. Cached reads."""
    if (code := await end_of_stay(session)) is not None:
        session.end(code)


async def _change_plan(session: Session) -> None:
    """A plan that was changed counts for open sockets, too. Cached reads."""
    plan = await a_plan_of(session.tenant)
    if plan != session.plan:
        session.plan = plan
        session.counters.clear()


def _found(rooms: Sequence[UUID], places: Sequence[tuple[UUID, UUID]]) -> tuple[dict[UUID, Head], set[tuple[UUID, UUID]]]:
    """The heads of the rooms, and which of the places are gone. Inside the tenant."""
    return heads(rooms), lost_places(places)


_beats: Beats | None = None


def beats() -> Beats:
    """The heartbeat of this event loop, begun with the first call."""
    global _beats
    if _beats is None or _beats.loop is not asyncio.get_running_loop():
        _beats = apart().run(Beats)
    return _beats
