"""The server's heartbeat: a ping with the heads of the socket's rooms, an eye on silence and on tokens that run out.

Sockets are spread over `PING_SECONDS` slots, one slot a second, so that no beat comes all at once.
"""

import asyncio
import logging
import time
from itertools import count
from uuid import UUID

from chat.realtime.hub import hub
from chat.realtime.protocol.codes import PING_SECONDS, PONG_SECONDS, Close
from chat.realtime.protocol.outgoing import PingOut
from chat.realtime.session import Session
from chat.selectors.messages import heads
from tenants.context import TenantRef
from tenants.plans import a_plan_of
from tenants.reading import read_in_tenant
from tenants.resolve import a_is_ended, a_membership_for

log = logging.getLogger(__name__)

HEADS_SECONDS = 20.0  # how old a head in a ping may be
READ_SECONDS = 4.0  # for which a ping waits for the database; it must reach the client within `PONG_SECONDS` of its time


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
        try:
            async with asyncio.timeout(READ_SECONDS):
                await self._end_revoked(due)
                await self._change_plans(due)
                await self._refresh(due)
        except Exception as error:
            log.warning("pings go without new heads: %s: %s", type(error).__name__, error)
        for session in due:
            self._ping(session)

    async def _end_revoked(self, due: list[Session]) -> None:
        """Agents who are none any more, if the order to end their sockets was lost on its way. Cached reads."""
        for session in due:
            who = session.principal
            if who.kind == "agent":
                member = await a_membership_for(session.tenant.id, who.id)
                if member is None or await a_is_ended(who.sid):
                    session.end(Close.REVOKED)

    async def _change_plans(self, due: list[Session]) -> None:
        """A plan that was changed counts for open sockets, too. Cached reads."""
        for session in due:
            plan = await a_plan_of(session.tenant)
            if plan != session.plan:
                session.plan = plan
                session.counters.clear()

    def _is_well(self, session: Session) -> bool:
        """False for a socket that is ended here: its token has run out, or its peer is silent since before the last ping."""
        if session.principal.expires < time.time():
            session.end(Close.TOKEN_EXPIRED)
            return False
        if session.pings and self.loop.time() - session.heard > PING_SECONDS + PONG_SECONDS:
            session.end(Close.RESTART)
            return False
        return True

    async def _refresh(self, due: list[Session]) -> None:
        """Read the heads that are too old, one query per tenant, and let the hub see them."""
        now = self.loop.time()
        stale: dict[TenantRef, set[UUID]] = {}
        for session in due:
            known = {room: self._heads.get((session.tenant.id, room), (0.0, 0)) for room in session.rooms}
            if old := {room for room, (read, _head) in known.items() if read < now - HEADS_SECONDS}:
                stale.setdefault(session.tenant, set()).update(old)
        for tenant, rooms in stale.items():
            for room_id, head in (await read_in_tenant(tenant, heads, list(rooms))).items():
                self._heads[tenant.id, room_id] = (now, head)
                hub().saw_head(tenant, room_id, head)
        if len(self._heads) > 2 * sum(len(session.rooms) for session in self._place) + 1_000:
            self._heads = {place: seen for place, seen in self._heads.items() if seen[0] > now - HEADS_SECONDS}

    def _ping(self, session: Session) -> None:
        if session in self._place:
            session.pings += 1
            seen = {room: self._heads.get((session.tenant.id, room)) for room in session.rooms}
            session.send(PingOut(n=session.pings, heads={str(room): found[1] for room, found in seen.items() if found}))


_beats: Beats | None = None


def beats() -> Beats:
    """The heartbeat of this event loop, begun with the first call."""
    global _beats
    if _beats is None or _beats.loop is not asyncio.get_running_loop():
        _beats = Beats()
    return _beats
