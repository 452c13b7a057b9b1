"""Who polls is here between two polls: the session of an answered request rests for a while before it leaves the hub."""

import asyncio
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from chat.realtime.hub import Hub, hub
from chat.realtime.session import Session

REST_SECONDS: Final = 35.0  # a poll takes 25 s, and the next one may be late
MOST: Final = 10_000  # resting sessions of one process; above, one leaves at once


class Resting:
    """The resting sessions of one hub. They hear nothing."""

    def __init__(self) -> None:
        self._timers: dict[Session, asyncio.TimerHandle] = {}

    def rest(self, session: Session) -> None:
        """The session's request is answered. It leaves after a while, or at once if another session holds its place."""
        session.outbox.release()
        if not session.groups:
            return  # it never came in
        session.counts = False
        if len(self._timers) >= MOST or any(_covers(other, session) for other in _sessions_of(session)):
            hub().leave(session)
            return
        self.replace(session)
        session.end = lambda _code: self._leave(session)
        self._timers[session] = asyncio.get_running_loop().call_later(REST_SECONDS, self._leave, session)

    def replace(self, session: Session) -> None:
        """The session holds the places of these resting ones now."""
        for other in _sessions_of(session):
            if other in self._timers and _covers(session, other):
                self._leave(other)

    def leave_room(self, session: Session, room_id: UUID) -> None:
        """Its owner has left this room."""
        for other in _sessions_of(session):
            if other in self._timers:
                hub().leave_room(other, room_id)

    def _leave(self, session: Session) -> None:
        if timer := self._timers.pop(session, None):
            timer.cancel()
            hub().leave(session)


_resting: WeakKeyDictionary[Hub, Resting] = WeakKeyDictionary()


def resting() -> Resting:
    """Those of this process's hub."""
    return _resting.setdefault(hub(), Resting())


def _sessions_of(session: Session) -> list[Session]:
    """The other sessions of its owner."""
    return [one for one in hub().sockets_of(session.tenant, session.principal.id) if one is not session]


def take_page(session: Session) -> None:
    """A request that tells no page is made from the page that its owner told before."""
    session.page = next((other.page for other in _sessions_of(session)), session.page)


def _covers(one: Session, other: Session) -> bool:
    return one.rooms.keys() >= other.rooms.keys()
