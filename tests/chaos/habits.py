"""How virtual people write, and where they go."""

import random
from collections.abc import Container
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from tests.chaos.logs import Said
from tests.chaos.view import View

EMOJI: Final = ("👍", "🎉", "👀")
NEAR: Final = 20  # messages from the end: what people change
SEEN: Final = 0.4  # of the notifications that are marked as seen at once
PRY: Final = 0.02  # of what people do: asking for a room that is not theirs


@dataclass(frozen=True, slots=True)
class Address:
    """Where a socket is opened: the URL names the server's own host, the port may be that of a proxy.

    `door` is the path under which the same host takes frames by HTTP.
    """

    url: str
    port: int
    token: str
    door: str = ""
    email: str = ""  # of an agent, who signs in with the cast's password

    @property
    def host(self) -> str:
        return self.url.split("/")[2]


@dataclass
class Habits:
    """How somebody writes."""

    pace: float = 0.25  # seconds between two bursts, on average
    burst: int = 3  # lines at once, at most
    changes: float = 0.2  # of what is said: edits, deletions and reactions
    withhold: float = 0.3  # of the acks that are taken for lost, so that what is stored is sent again
    size: int = 0  # bytes of padding in a line
    patience: float = 8.0  # seconds after which a server that answers no ping is left
    sweeps: frozenset[str] = frozenset()  # rooms in which they delete what others said


def a_change(view: View, room: str, mine: Container[str], dice: random.Random, habits: Habits) -> Said | None:
    """A reaction to any message that is shown, or an edit (without its words) or deletion of an own one, by cid.

    Who sweeps the room deletes what others said, too.
    """
    shown = [line for line in view.lines.values() if line.cid and not line.deleted][-NEAR:]
    own = [line for line in shown if line.cid in mine]
    what, cid = dice.random(), str(uuid4())
    if shown and what < 0.4:
        return Said("react", room, cid, message=dice.choice(shown).id, emoji=dice.choice(EMOJI), on=dice.random() < 0.7)
    if room in habits.sweeps and what > 0.85:
        return Said("delete", room, cid, message=dice.choice(shown).id) if shown else None
    if not own:
        return None
    return Said("delete" if what < 0.5 else "edit", room, cid, message=dice.choice(own).id)


def a_question(room: str, dice: random.Random) -> dict[str, Any]:
    """A frame that asks for something in a room, in one of the ways in which a room can be asked for."""
    return dice.choice(
        [
            {"t": "join", "ref": "pry", "room": room},
            {"t": "join", "ref": "pry", "room": room, "epoch": str(uuid4()), "after": 0},
            {"t": "history", "ref": "pry", "room": room, "before": 1_000_000},
            {"t": "send", "cid": str(uuid4()), "room": room, "text": "may I come in?"},
            {"t": "typing", "room": room, "on": True},
            {"t": "read", "room": room, "seq": 1},
        ]
    )
