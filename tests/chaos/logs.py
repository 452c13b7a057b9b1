"""What one person said and heard, for the checker. Nothing here knows the product."""

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["send", "edit", "delete", "react"]


@dataclass(slots=True)
class Said:
    """One frame that asks for something to be stored."""

    kind: Kind
    room: str
    cid: str
    text: str = ""
    message: str = ""  # the id of the message that is changed
    emoji: str = ""
    on: bool = True
    at: float = 0.0  # loop time
    acks: set[tuple[int, str]] = field(default_factory=set)  # seq and message id of each ack: all must be one and the same
    refused: str = ""  # the code of the last refusal: it may have been overtaken
    given_up: bool = False  # refused for good, for a reason that the sender accepts

    def frame(self) -> dict[str, Any]:
        """As it goes over the wire, each time the same."""
        frame: dict[str, Any] = {"t": self.kind, "cid": self.cid, "room": self.room}
        if self.kind in {"send", "edit"}:
            frame["text"] = self.text
        if self.message:
            frame["message"] = self.message
        if self.kind == "react":
            frame |= {"emoji": self.emoji, "on": self.on}
        return frame


@dataclass(frozen=True, slots=True)
class Line:
    """A message as it is shown or stored."""

    seq: int
    id: str
    changed: int
    cid: str
    text: str
    deleted: bool
    reactions: tuple[tuple[str, int], ...]  # emoji and how many, sorted


@dataclass(frozen=True, slots=True)
class Ban:
    """Somebody was kept out of a room: from when that was answered until just before it was taken back, in loop time."""

    room: str
    since: float
    until: float
    bound: float  # seconds after which they hear nothing of the room any more


@dataclass(slots=True)
class Log:
    """One person's. `heard` holds every frame as it came, over all their sockets or requests, in order."""

    name: str
    person: str  # id
    kind: Literal["visitor", "agent"]
    tenant: str  # slug
    rooms: list[str]
    said: list[Said] = field(default_factory=list)
    way: Literal["socket", "http"] = "socket"
    heard: list[str] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)  # loop time of each of `heard`
    looked: list[str] = field(default_factory=list)  # what they were answered when all was over, on every path that they have
    bans: list[Ban] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)  # what they were given though it was not theirs to ask for
    shown: dict[str, dict[str, Line]] = field(default_factory=dict)  # room -> message id -> what the person sees at the end
    clashes: list[str] = field(default_factory=list)  # two messages at one place, as the person met them
    codes: list[int] = field(default_factory=list)  # with which their sockets were closed, or requests refused

    def hear(self, text: str, moment: float) -> None:
        """A frame came."""
        self.heard.append(text)
        self.moments.append(moment)


@dataclass(frozen=True, slots=True)
class Tenant:
    """What the checker must know of a tenant."""

    slug: str
    schema: str
    canary: str  # a word that stands in every message of the tenant and nowhere else


def room_word(room: str) -> str:
    """Stands in every message of a room and in no other: who is not in the room must never read it."""
    return f"in-{room.replace('-', '')[-12:]}"


def note_word(canary: str) -> str:
    """Stands in every private note of the tenant: no visitor may ever read it."""
    return f"note-{canary}"
