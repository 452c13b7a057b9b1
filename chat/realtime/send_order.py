"""The order of what one socket says: what a room refused for a while is taken again in the order in which it was said.

A time alone could not keep that order: what is on its way when something is refused may arrive after the time is over, and before
what was refused comes again. So each refused `cid` is remembered, and until the first of them is taken all others wait behind it.

A socket needs to know nothing of others of the same client, nor a request without a socket of those before: each begins with all
that is not settled. So what is taken here has had everything before it taken here or there, however the two mingle.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from chat.realtime.protocol.codes import MAX_JOINED
from saas.core.errors import AppError

PATIENCE: Final = 10.0  # seconds in which what was refused may come again; after that its sender has given it up
AGAIN: Final = 1.0  # seconds after which it is worth asking whether it is one's turn
MOST: Final = 1_000  # refused messages that are remembered for one room; those after them are refused, too
TOO_EARLY: Final = "What you sent to this room before was refused: send it first."


@dataclass(slots=True)
class _Held:
    """A room that refused something: before `until` it takes nothing, after that the first of `cids` that is not under way."""

    kind: type[AppError]
    until: float
    cids: dict[UUID, bool] = field(default_factory=dict)  # in the order in which they were said; whether it is under way again

    def keep(self, cid: UUID) -> None:
        if cid in self.cids or len(self.cids) < MOST:
            self.cids[cid] = False

    @property
    def next(self) -> UUID | None:
        return next((cid for cid, is_under_way in self.cids.items() if not is_under_way), None)


class SendOrder:
    """What one socket said and some rooms did not take yet. `clock` counts seconds."""

    __slots__ = ("_clock", "_rests_until", "_rooms")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rests_until = 0.0
        self._rooms: dict[UUID, _Held] = {}  # at most as many as a socket joins: nobody asked yet whether these are rooms at all

    def refuse(self, room_id: UUID, cid: UUID, seconds: float, kind: type[AppError]) -> float:
        """The room did not take it, for so many seconds. For how many it takes nothing now."""
        now = self._clock()
        held = self._rooms.get(room_id)
        if held is None:
            self._make_room(now)
            held = self._rooms[room_id] = _Held(kind, now)
        held.until = max(held.until, now + seconds)
        held.keep(cid)
        return self._until(held) - now

    def rest(self, seconds: float) -> None:
        """The socket is not read for so long: what waits comes later."""
        self._rests_until = max(self._rests_until, self._clock() + seconds)

    def refusal(self, room_id: UUID, cid: UUID) -> AppError | None:
        """Why it is not this one's turn, which is remembered; None when it may be taken."""
        held = self._rooms.get(room_id)
        if held is None:
            return None
        now = self._clock()
        until = self._until(held)
        if now > until + PATIENCE:
            del self._rooms[room_id]
            return None
        if now >= until and held.next in (None, cid):
            return None
        held.keep(cid)
        return held.kind(TOO_EARLY, retry_after=max(until - now, AGAIN))

    def waits(self, room_id: UUID, cid: UUID) -> bool:
        """Whether it was refused and has not come again: its place is kept."""
        held = self._rooms.get(room_id)
        return held is not None and held.cids.get(cid) is False

    def taken(self, room_id: UUID, cid: UUID) -> None:
        """It is under way to the database: the next may come. Refused there, it is the first again."""
        held = self._rooms.get(room_id)
        if held is not None and cid in held.cids:
            held.cids[cid] = True
            held.until = self._clock()

    def settled(self, room_id: UUID, cid: UUID) -> None:
        """It has its answer for good."""
        held = self._rooms.get(room_id)
        if held is None:
            return
        held.cids.pop(cid, None)
        if not held.cids:
            del self._rooms[room_id]

    def _until(self, held: _Held) -> float:
        return max(held.until, self._rests_until)

    def _make_room(self, now: float) -> None:
        """For one more. What was given up goes first, then the oldest: only a client that writes to more rooms than it may join
        loses an order by it, its own."""
        if len(self._rooms) < MAX_JOINED:
            return
        self._rooms = {room: held for room, held in self._rooms.items() if now <= self._until(held) + PATIENCE}
        if len(self._rooms) >= MAX_JOINED:
            del self._rooms[next(iter(self._rooms))]
