"""How virtual people write, and where they go."""

import random
from collections.abc import Container
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from tests.chaos.logs import Said
from tests.chaos.view import View

EMOJI: Final = ("👍", "🎉", "👀")
NEAR: Final = 20  # messages from the end: what people change


@dataclass(frozen=True, slots=True)
class Address:
    """Where a socket is opened: the URL names the server's own host, the port may be that of a proxy."""

    url: str
    port: int
    token: str


@dataclass
class Habits:
    """How somebody writes."""

    pace: float = 0.25  # seconds between two bursts, on average
    burst: int = 3  # lines at once, at most
    changes: float = 0.2  # of what is said: edits, deletions and reactions
    withhold: float = 0.3  # of the acks that are taken for lost, so that what is stored is sent again
    size: int = 0  # bytes of padding in a line
    patience: float = 8.0  # seconds after which a server that answers no ping is left


def a_change(view: View, room: str, mine: Container[str], dice: random.Random) -> Said | None:
    """A reaction to any message that is shown, or an edit (without its words) or deletion of an own one, by cid."""
    shown = [line for line in view.lines.values() if line.cid and not line.deleted][-NEAR:]
    own = [line for line in shown if line.cid in mine]
    what, cid = dice.random(), str(uuid4())
    if shown and what < 0.4:
        return Said("react", room, cid, message=dice.choice(shown).id, emoji=dice.choice(EMOJI), on=dice.random() < 0.7)
    if not own:
        return None
    return Said("delete" if what < 0.5 else "edit", room, cid, message=dice.choice(own).id)
