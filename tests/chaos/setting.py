"""What a scenario wants of the servers, the people and what stands between them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from tests.chaos.doorbells import Replies
from tests.chaos.habits import Habits
from tests.support.server import Kind, Server


@dataclass(frozen=True)
class Setting:
    """What a scenario wants to stand on its stage."""

    workers: int = 2
    kind: Kind = "uvicorn"
    agents: int = 2  # in each tenant
    visitors: int = 3
    polling: int = 1  # more of them, who have no socket
    crowd: int = 0  # more visitors, who go straight to the workers and to whom no agent talks
    spare: int = 0  # visitors who are not alive
    habits: Habits = field(default_factory=Habits)
    receive_buffer: int = 0  # bytes of each visitor's way to the server
    variables: dict[str, str] = field(default_factory=dict)  # of the servers
    bells: Callable[[], Replies] = Replies  # what can be lost between processes
    prompt: bool = False  # nothing is broken
    kept: bool = False  # somebody mutes, bans, deletes and locks in the community rooms
    clocks: bool = False  # each server has a clock that can be put wrong
    door: Callable[[Sequence[Server]], AbstractContextManager[Server]] | None = None  # puts something before the workers

    @property
    def guests(self) -> int:
        """The visitors who are not of the crowd."""
        return self.visitors + self.polling
