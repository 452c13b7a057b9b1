"""What a scenario is."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from tests.chaos.setting import Setting
from tests.chaos.stage import Stage

Script = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class Scenario:
    """A fault script and the stage it wants.

    `least` seconds are what it needs to do its harm once. `quiet`: it harms nothing of the servers' own, so their logs may hold
    no error.
    """

    name: str
    script: Script
    setting: Setting = field(default_factory=Setting)
    least: float = 5.0
    quiet: bool = False


async def until_over(run: Stage) -> AsyncIterator[int]:
    """Rounds of a script, at least one, until the run's seconds are over."""
    end, number = run.clock() + run.seconds, 0
    while not number or run.clock() < end:
        yield number
        number += 1
