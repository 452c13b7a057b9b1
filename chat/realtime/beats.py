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
from tenants.context import TenantRef, run_in_tenant

log = logging.getLogger(__name__)

HEADS_SECONDS = 20.0  # how old a head in a ping may be


class Beats:
    """One wheel of slots for the sockets of an event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._slots: list[set[Session]] = [set() for _ in range(PING_SECONDS)]
        self._place: dict[Session, int] = {}
        self._next = count()
        self._heads: dict[UUID, tuple[float, int]] = {}
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
        for tick in count():
            await asyncio.sleep(1)
            due = [session for session in self._slots[tick % PING_SECONDS] if self._is_well(session)]
            try:
                await self._refresh(due)
            except Exception as error:
                log.warning("pings go without heads: %s", error)
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

    async def _refresh(self, due: list[Session]) -> None:
        """Read the heads that are too old, one query per tenant, and let the hub see them."""
        now = self.loop.time()
        stale: dict[TenantRef, set[UUID]] = {}
        for session in due:
            old = {room for room in session.rooms if self._heads.get(room, (0.0, 0))[0] < now - HEADS_SECONDS}
            if old:
                stale.setdefault(session.tenant, set()).update(old)
        for tenant, rooms in stale.items():
            for room_id, head in (await run_in_tenant(tenant, heads, list(rooms))).items():
                self._heads[room_id] = (now, head)
                hub().saw_head(tenant, room_id, head)
        if len(self._heads) > 2 * sum(len(session.rooms) for session in self._place) + 1_000:
            self._heads = {room: seen for room, seen in self._heads.items() if seen[0] > now - HEADS_SECONDS}

    def _ping(self, session: Session) -> None:
        if session in self._place:
            session.pings += 1
            known = {str(room): self._heads[room][1] for room in session.rooms if room in self._heads}
            session.send(PingOut(n=session.pings, heads=known))


_beats: Beats | None = None


def beats() -> Beats:
    """The heartbeat of this event loop, begun with the first call."""
    global _beats
    if _beats is None or _beats.loop is not asyncio.get_running_loop():
        _beats = Beats()
    return _beats
