"""How many there may be at the same time, in one process."""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass

from django.conf import settings

from saas.core.ratelimit.refused import refused


@dataclass(frozen=True, slots=True, eq=False)
class Most:
    """At most `count` for each of its `scope`. The operator may put another number in its place (settings.LIMITS, by name)."""

    name: str
    count: int
    scope: str

    def __post_init__(self) -> None:
        if own := settings.LIMITS.get(self.name):
            object.__setattr__(self, "count", own[0])


class Places:
    """Counted places of several bounds, taken and given back together."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, Hashable], int] = {}

    def take(self, places: dict[Most, Hashable]) -> bool:
        """One place under each bound, or none at all: then False."""
        taken = self._taken
        for most, key in places.items():
            if taken.get((most.name, key), 0) >= most.count:
                refused(most.name)
                return False
        for most, key in places.items():
            taken[most.name, key] = taken.get((most.name, key), 0) + 1
        return True

    def give_back(self, places: dict[Most, Hashable]) -> None:
        """What `take` took."""
        for most, key in places.items():
            left = self._taken.pop((most.name, key)) - 1
            if left:
                self._taken[most.name, key] = left

    async def linger(self, places: dict[Most, Hashable], seconds: float) -> None:
        """Wait so long in these places, or not at all where they are taken: before a refusal, who then comes again no faster."""
        if not self.take(places):
            return
        try:
            await asyncio.sleep(seconds)
        finally:
            self.give_back(places)
