"""Leaving in good order: every socket is told when to come back, and closed in batches, before the process ends."""

import asyncio
import logging
import random
from collections.abc import Awaitable
from typing import Final

from chat.consumers.polling import held_polls
from chat.consumers.socket import ChatSocket
from chat.realtime.hub import running_hub
from chat.realtime.protocol.codes import Close
from chat.realtime.protocol.outgoing import Bye
from saas.core import health

log = logging.getLogger(__name__)

BATCHES: Final = 20
BATCH_SECONDS: Final = 0.1  # between two batches: the whole takes two seconds
FLUSH_SECONDS: Final = 5.0  # for what waits to be stored, once before and once after the sockets are closed
SPREAD_MS: Final = 3_000  # clients come back within so many milliseconds
ALONE_MS: Final = 4_000  # not sooner where no other process serves them: this one must end and start first
SPREAD_PER_THOUSAND_MS: Final = 1_000  # and a second more for every thousand sockets


async def drain() -> None:
    """Not ready from now on; say `bye` to all with a random delay, close the sockets in batches with 1012, flush everything."""
    health.drain()
    sockets = list(ChatSocket.open_sockets)
    hub = running_hub()
    soonest = ALONE_MS if hub is None or hub.bus.alone else 0
    spread = SPREAD_MS + SPREAD_PER_THOUSAND_MS * (len(sockets) + len(held_polls())) // 1000
    for socket in sockets:
        if socket.session is not None:
            socket.session.send(Bye(code=Close.RESTART, after=soonest + random.randrange(spread)))  # noqa: S311  # spread, not secret
    for poll in held_polls():
        poll.send(Bye(code=Close.RESTART, after=soonest + random.randrange(spread)))  # noqa: S311  # spread, not secret
    if hub is not None:
        await _at_most(FLUSH_SECONDS, hub.journal.flushed())
    size = max(1, -(-len(sockets) // BATCHES))
    for start in range(0, len(sockets), size):
        for socket in sockets[start : start + size]:
            socket.end(Close.RESTART)
        await asyncio.sleep(BATCH_SECONDS)
    if hub is not None:
        await _at_most(FLUSH_SECONDS, hub.stop())


async def _at_most(seconds: float, work: Awaitable[None]) -> None:
    """Without a database the process ends all the same: senders were not answered, and send again elsewhere."""
    try:
        await asyncio.wait_for(work, seconds)
    except TimeoutError:
        log.error("the drain goes on, though not everything was stored in %s s", seconds)
