"""One socket as the realtime core sees it: who it is, what it has joined, and its way out."""

import time
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from chat.limits import (
    FRAMES_PER_SOCKET,
    MOST_REST,
    READ_PER_SOCKET,
    REFUSED_PER_SOCKET,
    SEND_PER_AGENT_SOCKET,
    SEND_PER_VISITOR_SOCKET,
    TYPING_PER_SOCKET,
)
from chat.realtime.outbox import Outbox
from chat.realtime.protocol.codes import Close
from chat.realtime.protocol.incoming import Page
from chat.realtime.protocol.outgoing import Bye, Person, ServerFrame, encode
from chat.realtime.send_order import SendOrder
from saas.core.errors import Busy, RateLimited
from saas.core.ratelimit import Counter, Limit, Meter
from tenants.context import TenantRef
from tenants.plans import ONE_PLAN, Plan
from tenants.tokens import Principal

NO_PAGE: Final = Page()


@dataclass(eq=False, slots=True)
class Session:
    """A socket after its `hello`."""

    tenant: TenantRef
    principal: Principal
    outbox: Outbox
    end: Callable[[int], None]  # asks the socket's own task to close with this code
    rooms: dict[UUID, bool] = field(default_factory=dict)  # joined -> may write
    read: dict[UUID, int] = field(default_factory=dict)  # how far this socket has said that its owner has read
    untold: dict[UUID, int] = field(default_factory=dict)  # of these what the others have not heard yet, since it was too often
    typing: set[UUID] = field(default_factory=set)  # rooms that were told that its owner types
    joining: set[UUID] = field(default_factory=set)  # rooms whose history is being read: they count as joined
    groups: set[str] = field(default_factory=set)
    rest: Callable[[float], None] | None = None  # asks the server to read nothing of this socket for so many seconds
    order: SendOrder = field(default_factory=SendOrder)  # what was refused for a while, which nothing may overtake
    heard: float = 0.0  # loop time of the last frame from the peer
    pings: int = 0
    page: Page = NO_PAGE  # where a visitor is
    address: str = ""  # of the client, for limits
    key: str = ""  # the embed key that a visitor came with
    opened: float = field(default_factory=time.time)  # seconds since 1970, to compare with other processes
    counts: bool = True  # among the sockets that a visitor may hold
    plan: Plan = ONE_PLAN
    counters: dict[type, Sequence[Counter]] = field(default_factory=dict)  # by kind of frame
    context: Context = field(default_factory=copy_context)  # of its socket or request: the names in what is logged for it
    meters: dict[str, Meter] = field(default_factory=dict)  # of what this socket has done so far, by the limit's name
    goes_on: bool = False  # without a socket: another request of its owner goes on from what it has said

    def go_on_from(self, other: "Session") -> None:
        """What the others heard of its owner by that request counts as heard by this one, at one pace for both."""
        self.untold, self.typing, self.meters = other.untold, other.typing, other.meters

    def frame_wait(self) -> float:
        """Take one frame's permit: 0, or the seconds until the next is let through."""
        return self._wait(FRAMES_PER_SOCKET)

    def send_wait(self) -> float:
        """The same of a message or a change of one."""
        return self._wait(SEND_PER_VISITOR_SOCKET if self.principal.kind == "visitor" else SEND_PER_AGENT_SOCKET)

    def typing_wait(self) -> float:
        """The same of one who types."""
        return self._wait(TYPING_PER_SOCKET)

    def read_wait(self) -> float:
        """The same of one who reads."""
        return self._wait(READ_PER_SOCKET)

    def _wait(self, limit: Limit) -> float:
        meter = self.meters.get(limit.name)
        if meter is None:
            meter = self.meters[limit.name] = Meter(limit)
        return meter.take()

    def was_refused(self, error: Exception) -> None:
        """A frame was. Whose frames are refused for their pace again and again is not read for a while, and costs nothing."""
        if self.rest and isinstance(error, RateLimited | Busy) and (wait := self._wait(REFUSED_PER_SOCKET)):
            seconds = min(max(wait, error.retry_after or 0.0), MOST_REST)
            self.order.rest(seconds)  # what is on its way then comes later
            self.rest(seconds)

    def seconds_left(self) -> int:
        """Until the token that opened or renewed this socket runs out."""
        return max(0, int(self.principal.expires - time.time()))

    @property
    def person(self) -> Person:
        """How others see this socket's owner."""
        who = self.principal
        return Person(kind=who.kind, id=who.id, name=who.name)

    def forget(self, room_id: UUID) -> int:
        """What it said of a room that it has left; the mark of it that the others have not heard, or 0."""
        if self.goes_on:
            return 0
        self.read.pop(room_id, None)
        self.typing.discard(room_id)
        return self.untold.pop(room_id, 0)

    def send_back(self) -> None:
        """End the socket, to come back at once: what it was told counts no more."""
        self.send(Bye(code=Close.RESTART, after=0))
        self.end(Close.RESTART)

    def send(self, frame: ServerFrame) -> None:
        """Send one frame, or end the socket if its reader is too slow."""
        self.send_text(encode(frame))

    def send_text(self, text: bytes) -> None:
        if not self.outbox.write(text):
            self.end(Close.TOO_SLOW)

    def send_framed(self, framed: bytes) -> None:
        """The same for a frame that goes to many, as it stands on the wire."""
        if not self.outbox.write_soon(framed):
            self.end(Close.TOO_SLOW)
