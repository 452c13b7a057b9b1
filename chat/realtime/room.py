"""A room as one process holds it: the local sockets, the order of frames, and who is here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chat.limits import TYPING_PER_CROWD
from chat.metrics import DELIVERIES
from chat.realtime.protocol.codes import MAX_NAMED, NAMED_SAMPLE, Close
from chat.realtime.protocol.outgoing import Person
from chat.realtime.roster import Roster
from chat.realtime.sequence import Sequence as Order
from chat.realtime.session import Session
from saas.core.fastsocket import together
from saas.core.ratelimit import Meter
from tenants.context import TenantRef

FEW = 8  # members to whom a line may wait for the end of the turn; for more the waiting costs more than a write


@dataclass(slots=True)
class LocalRoom:
    """Lives while a local socket is in the room."""

    tenant: TenantRef
    id: UUID
    group: str
    order: Order = field(default_factory=Order)
    epoch: UUID | None = None  # of the history that it orders; None before anything is known
    learned: float = 0.0  # loop time at which that was
    known: int = 0  # how far the database says that it has come; the order may not have heard of that yet
    wanted: int = 0  # a number that is taken: the order comes so far by itself in a moment, or what it lacks is read
    doubted: bool = False  # whether what was told here meant the history before
    members: dict[Session, Callable[[bytes], bool]] = field(default_factory=dict)  # and their way out
    joining: dict[Session, list[tuple[int, bytes]]] = field(default_factory=dict)  # what passed while they read history
    turns: dict[Session, int] = field(default_factory=dict)  # of who has taken a place: how many were taken by then
    taken: int = 0  # how many places so far
    people: Roster[Person] = field(default_factory=lambda: Roster(of=lambda who: who.id))
    typings: Meter = field(default_factory=lambda: Meter(TYPING_PER_CROWD))
    repairing: bool = False
    told_crowd: bool = False  # the members heard a count last, and do not know everyone

    @property
    def empty(self) -> bool:
        return not self.members and not self.joining and not self.people.sockets

    @property
    def lacks(self) -> bool:
        """Whether something was told elsewhere, or is stored, that nobody has told here."""
        head = self.order.head
        return self.order.broken or (head is not None and (self.doubted or head < self.wanted))

    def enter(self, session: Session) -> None:
        """Begin to keep frames for a socket that is about to read history, again or for the first time."""
        self.members.pop(session, None)
        self.joining.setdefault(session, [])

    def settle(self, session: Session, head: int) -> list[bytes]:
        """The socket's history reaches to `head`: from now on frames go straight to it. Those that it still lacks."""
        self.deliver(self.order.advance(head) if self.order.head is None else [])
        kept = self.joining.pop(session, [])
        self.taken += 1
        self.turns[session] = self.taken
        self.members[session] = session.outbox.write_framed
        return [framed for seq, framed in kept if seq > head]

    def stay(self, session: Session) -> list[bytes]:
        """The socket could not read history again, and goes on where it was. What passed meanwhile."""
        kept = self.joining.pop(session, None)
        if kept is None:
            return []
        self.members[session] = session.outbox.write_framed
        return [framed for _seq, framed in kept]

    def turn_of(self, session: Session) -> int:
        """Another number whenever the socket has taken a place here again."""
        return self.turns.get(session, 0)

    def leave(self, session: Session) -> bool:
        """Whether the socket was in the room."""
        was_joining = self.joining.pop(session, None) is not None
        was_member = session in self.members
        self.members.pop(session, None)
        self.turns.pop(session, None)
        return was_joining or was_member

    def begin_anew(self, reader: Session | None) -> list[Session]:
        """Another history has taken its place: those whose view is of the old one are out. `reader` has read it just now."""
        self.order, self.known, self.wanted, self.doubted = Order(), 0, 0, reader is not None
        out = [session for session in (*self.members, *self.joining) if session is not reader]
        self.members.clear()
        self.turns.clear()
        self.joining = {reader: []} if reader else {}
        return out

    def deliver(self, ready: Sequence[tuple[int, bytes]]) -> None:
        """Ordered frames to everyone here, in as few writes as possible: to a few with what else they get in this turn."""
        DELIVERIES.add(count=len(ready) * len(self.members))
        for framed in together([framed for _seq, framed in ready]):
            if len(self.members) <= FEW:
                for session in self.members:
                    session.send_framed(framed)
                continue
            slow = [session for session, write in self.members.items() if not write(framed)]
            for session in slow:
                session.end(Close.TOO_SLOW)
        for kept in self.joining.values():
            kept.extend(ready)

    def tell(self, framed: bytes, *, only: str | None = None) -> None:
        """A frame of state, to everyone here or to one kind of person."""
        for session in self.members:
            if only is None or session.principal.kind == only:
                session.send_framed(framed)

    def named(self) -> list[Person]:
        """The people of the room as `joined` lists them: everyone, or a sample of a crowd."""
        return self.people.some(NAMED_SAMPLE) if self.crowded else self.people.everyone()

    @property
    def crowded(self) -> bool:
        """Too many to announce one by one."""
        return self.people.size > MAX_NAMED
