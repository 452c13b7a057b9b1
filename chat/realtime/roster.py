"""Who is in a place: the sockets of this process, and what the other processes said of theirs. Pure.

A place is a room, or a whole tenant. A person stands in a roster once, however many sockets they have. What a process says of a
place is numbered, so that the others notice when they missed something and ask for the whole.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar
from uuid import UUID

T = TypeVar("T")


@dataclass(slots=True)
class Roster(Generic[T]):
    """People of one place. `came` and `went` tell whether that changed who is here, as seen by everyone."""

    of: Callable[[T], UUID]
    here: dict[UUID, T] = field(default_factory=dict)
    sockets: dict[UUID, int] = field(default_factory=dict)
    elsewhere: dict[str, dict[UUID, T]] = field(default_factory=dict)  # by process
    said: int = 0  # the number of our last statement; 0: we have made none
    upto: dict[str, int] = field(default_factory=dict)  # by process: up to which of its statements nothing is missing here

    def came(self, who: T) -> bool:
        """One more socket of this process. True: the person was not here before."""
        key = self.of(who)
        new = key not in self
        self.here[key] = who
        self.sockets[key] = self.sockets.get(key, 0) + 1
        return new

    def went(self, key: UUID) -> T | None:
        """One socket fewer. The person, if they are now gone from everywhere."""
        left = self.sockets.get(key, 0) - 1
        if left > 0:
            self.sockets[key] = left
            return None
        self.sockets.pop(key, None)
        who = self.here.pop(key) if key in self.here else None
        return None if key in self else who

    def heard(
        self, process: str, *, on: Iterable[T] = (), off: Iterable[UUID] = (), whole: bool = False
    ) -> tuple[list[T], list[T]]:
        """What another process said of its sockets; `whole`: these are all. Who is new, and who is gone from everywhere."""
        theirs = self.elsewhere.setdefault(process, {})
        now = {self.of(who): who for who in on}
        came = [who for key, who in now.items() if key not in self]
        left = [key for key in theirs if key not in now] if whole else off
        theirs |= now
        gone = [who for key in left if key in theirs and (who := theirs.pop(key)) and key not in self]
        if not theirs:
            del self.elsewhere[process]
        return came, gone

    def follow(self, process: str, *, n: int, after: int) -> bool:
        """Note a statement that was made after statement `after`; 0: it is the whole. False: something before it is missing."""
        is_next = after in {0, self.upto.setdefault(process, 0)}
        if is_next:
            self.upto[process] = n
        return is_next

    def lost(self, process: str) -> list[T]:
        """A process is no more. Who is thereby gone from everywhere."""
        self.upto.pop(process, None)
        theirs = self.elsewhere.pop(process, {})
        return [who for key, who in theirs.items() if key not in self]

    def __contains__(self, key: object) -> bool:
        return key in self.here or any(key in theirs for theirs in self.elsewhere.values())

    @property
    def size(self) -> int:
        """How many people; one who is on two processes counts twice."""
        return len(self.here) + sum(map(len, self.elsewhere.values()))

    def is_elsewhere(self, key: UUID) -> bool:
        """Whether the person has a socket on another process."""
        return any(key in theirs for theirs in self.elsewhere.values())

    def some(self, most: int) -> list[T]:
        """A few of them, those of this process first."""
        found: dict[UUID, T] = {}
        for people in (self.here, *self.elsewhere.values()):
            found |= dict(islice(people.items(), most))
        return list(found.values())[:most]

    def everyone(self) -> list[T]:
        """Everybody, once."""
        merged: dict[UUID, T] = {}
        for theirs in list(self.elsewhere.values()):
            merged |= theirs
        return list((merged | self.here).values())
