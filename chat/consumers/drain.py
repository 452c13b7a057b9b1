"""Leaving in good order: every socket is told when to come back, and closed in batches, before the process ends.

They come back one after the other, no faster than a process can take them, so that the last of them waits its turn at home and
not in a queue of the server's, where it would lose its patience and begin again.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from chat.consumers.polling import held_polls
from chat.consumers.socket import ChatSocket
from chat.realtime.hub import running_hub
from chat.realtime.local import spread_of
from chat.realtime.protocol.codes import Close
from chat.realtime.protocol.outgoing import Bye
from saas.core import health

log = logging.getLogger(__name__)

BATCHES: Final = 20
BATCH_SECONDS: Final = 0.1  # between two batches: the whole takes two seconds
FLUSH_SECONDS: Final = 5.0  # for what waits to be stored, once before and once after the sockets are closed

CLOSES_PER_SECOND: Final = 4_000  # what ends with a socket takes its time, too
START_SECONDS: Final = 3.0  # that a process takes until it serves, where that was not measured
SLOWER: Final = 1.5  # so many times as long for the one that takes this one's place: it also waits, and starts beside others
LONGEST_START: Final = 20.0


@dataclass(frozen=True, slots=True)
class Return:
    """When those come back who are sent away: `soonest` seconds from now at the earliest, all within `spread` from then on."""

    soonest: float
    spread: float

    def after(self, closed_in: float = 0.0) -> int:
        """For one who is let go in so many seconds: how many milliseconds to wait from then on. By chance."""
        start = max(self.soonest - closed_in, 0.0)
        return round((start + random.random() * self.spread) * 1000)  # noqa: S311  # spread, not secret


def return_of(many: int, *, alone: bool, starts_in: float = START_SECONDS) -> Return:
    """The plan for so many. `alone`: nobody else serves them, so this process must end, and the next one start, first."""
    ends_in = BATCHES * BATCH_SECONDS + many / CLOSES_PER_SECOND
    soonest = ends_in + min(starts_in * SLOWER, LONGEST_START) if alone else 0.0
    return Return(soonest, spread_of(many))


_one_at_a_time: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def drain(*, starts_in: float = START_SECONDS) -> None:
    """Not ready from now on; say `bye` to all with a random delay, close the sockets in batches with 1012, flush everything.

    `starts_in`: the seconds that this process took to start. A socket that comes later is closed with 1012 at once. A second call
    waits for the first, and finds little to do.
    """
    health.drain()
    async with _one_at_a_time.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        await _drain(starts_in)


async def _drain(starts_in: float) -> None:
    sockets, polls = list(ChatSocket.open_sockets), held_polls()
    hub = running_hub()
    plan = return_of(len(sockets) + len(polls), alone=hub is None or not hub.others.take_sockets, starts_in=starts_in)
    batches = _batches(sockets)
    for number, batch in enumerate(batches):
        for socket in batch:
            if socket.session is not None:
                socket.session.send(Bye(code=Close.RESTART, after=plan.after(number * BATCH_SECONDS)))
    for poll in polls:
        poll.send(Bye(code=Close.RESTART, after=plan.after()))
    if hub is not None:
        await _at_most(FLUSH_SECONDS, hub.journal.flushed())
    await _close(batches)
    if hub is not None:
        await _at_most(FLUSH_SECONDS, hub.stop())


def _batches(sockets: Sequence[ChatSocket]) -> list[Sequence[ChatSocket]]:
    size = max(1, -(-len(sockets) // BATCHES))
    return [sockets[start : start + size] for start in range(0, len(sockets), size)]


async def _close(batches: Sequence[Sequence[ChatSocket]]) -> None:
    for batch in batches:
        for socket in batch:
            socket.end(Close.RESTART)
        await asyncio.sleep(BATCH_SECONDS)


async def _at_most(seconds: float, work: Awaitable[None]) -> None:
    """Without a database the process ends all the same: senders were not answered, and send again elsewhere."""
    try:
        await asyncio.wait_for(work, seconds)
    except TimeoutError:
        log.error("the drain goes on, though not everything was stored in %s s", seconds)
