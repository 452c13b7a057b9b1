"""Who polls is here between two polls: the session of an answered request rests for a while before it leaves the hub.

The next request on this process goes on from what it has said, so that the limits of a socket hold for all requests of its owner
here together. Who stays away for longer than `REST_SECONDS`, or comes to another process, begins anew there.
"""

import asyncio
from collections.abc import Iterator
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from chat.consumers.collector import Collector
from chat.realtime.hub import Hub, hub
from chat.realtime.session import Session

REST_SECONDS: Final = 35.0  # a poll takes 25 s, and the next one may be late
MOST: Final = 10_000  # resting sessions of one process; above, one leaves at once


class Resting:
    """The resting sessions of one hub. They hear nothing."""

    def __init__(self) -> None:
        self._timers: dict[Session, asyncio.TimerHandle] = {}

    def rest(self, session: Session) -> None:
        """The session's request is answered. It leaves after a while, or at once if another request holds its place."""
        session.outbox.release()
        if not session.groups:
            return  # it never came in
        session.counts = False
        if len(self._timers) >= MOST or _has_heir(session):
            _leave_hub(session)
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
            _leave_hub(session)


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


def go_on(session: Session) -> None:
    """A request goes on from what its owner said by another one, under way or at rest. It enters the hub in the same moment."""
    if other := next(_requests_of(session), None):
        session.go_on_from(other)


def _requests_of(session: Session) -> Iterator[Session]:
    return (other for other in _sessions_of(session) if isinstance(other.outbox, Collector))


def _has_heir(session: Session) -> bool:
    return any(_covers(other, session) for other in _requests_of(session))


def _leave_hub(session: Session) -> None:
    session.goes_on = _has_heir(session)
    hub().leave(session)


def _covers(one: Session, other: Session) -> bool:
    return one.rooms.keys() >= other.rooms.keys()
