"""Coming in by turns: a crowd of one tenant's that is welcomed leaves room for every other tenant's.

A client that was not welcomed within ten seconds dials again, and whatever was done for its first connection is lost. So who
would have to wait for long is sent away with an appointment: a moment of its own, at which it would have been its turn.
"""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from chat.limits import WELCOMES, WELCOMES_EACH
from saas.core.errors import Busy
from saas.core.turns import Turns

LONGEST_WAIT: Final = 5.0  # seconds that a connection waits for its turn
LONGEST_AWAY: Final = 60.0  # seconds; whose appointment would be later comes by chance in the second half of them
MOST_BOOKS: Final = 1_000


class Door:
    """The turns of one event loop, and the appointments of those who come when too many wait."""

    def __init__(self, *, most: int = WELCOMES, each: int = WELCOMES_EACH, clock: Callable[[], float] = time.monotonic) -> None:
        self._turns = Turns(most=most, each=each, clock=clock)
        self._clock = clock
        self._booked: dict[UUID, float] = {}  # by tenant: the moment after the last appointment

    def turn(self, tenant_id: UUID) -> AbstractAsyncContextManager[None]:
        """See `turn_to_be_welcomed`."""
        wait = self._turns.expected(tenant_id)
        if wait > LONGEST_WAIT:
            raise Busy("Too many are coming in at once.", retry_after=self._appointment(tenant_id, wait))
        return self._turns.of(tenant_id)

    def _appointment(self, tenant_id: UUID, wait: float) -> float:
        """In how many seconds: one pace after the last that was given."""
        now = self._clock()
        moment = max(self._booked.get(tenant_id, 0.0), now + wait)
        if moment - now > LONGEST_AWAY:
            return LONGEST_AWAY * (1 + random.random()) / 2  # noqa: S311  # spread, not secret
        if len(self._booked) > MOST_BOOKS:
            self._booked = {tenant: last for tenant, last in self._booked.items() if last > now}
        self._booked[tenant_id] = moment + self._turns.step()
        return moment - now


_doors: WeakKeyDictionary[asyncio.AbstractEventLoop, Door] = WeakKeyDictionary()


def turn_to_be_welcomed(tenant_id: UUID) -> AbstractAsyncContextManager[None]:
    """Hold it while a client is welcomed. Raises Busy, with the time of an appointment, when too many of the tenant's wait."""
    loop = asyncio.get_running_loop()
    door = _doors.get(loop)
    if door is None:
        door = _doors[loop] = Door()
    return door.turn(tenant_id)
