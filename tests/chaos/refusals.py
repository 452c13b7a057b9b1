"""What a client makes of a refusal: it says the same again later, or takes no for an answer."""

from collections.abc import Collection
from typing import Final

from tests.chaos.logs import Said

PASSING: Final = {"busy", "rate_limited", "slow_mode", "internal"}  # after which the same frame goes again
SETTLED: Final = {"not_found", "forbidden", "room_closed", "conflict"}  # of a change: the message was deleted meanwhile
KEPT_OUT: Final = {"not_found", "room_closed", "muted"}  # of anything, in a room where somebody keeps order


def is_settled(said: Said, code: str, kept: Collection[str]) -> bool:
    """Whether to take no for an answer; `kept` are the rooms in which somebody keeps order."""
    if said.room in kept and code in KEPT_OUT:
        return True
    return said.kind != "send" and code in SETTLED and not said.acks
