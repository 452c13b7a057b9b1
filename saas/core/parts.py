"""What a socket's peer sends that is no message: pings, pongs, parts of messages. Counted, and answered as long as it reads.

The library answers a ping by itself and looks at no bound; the application hears of none of them. So who pings at full speed and
reads nothing would fill the memory, and who sends empty parts would cost as much as one who speaks, under no limit.
"""

from functools import cache
from typing import TYPE_CHECKING

from websockets.frames import Frame

from saas.core.handshake import LeanWebSocketProtocol
from saas.core.ratelimit import Limit, Meter


@cache
def most_of_parts() -> Limit:
    """So many may one socket send; more are read later. Made once the settings are there."""
    return Limit("socket.parts", 1_000, 10, "socket")


class CountedParts(LeanWebSocketProtocol):
    """Its heirs say how much may wait for the peer, how it is cut off, and how not to read it for a while."""

    max_buffer = 0  # bytes

    _parts: Meter | None = None

    if TYPE_CHECKING:

        def abort(self) -> None: ...
        def rest(self, seconds: float) -> None: ...

    def handle_ping(self) -> None:
        """Answered, unless so many answers wait that its peer cannot be reading them."""
        self._count_part()
        if self.transport.get_write_buffer_size() > self.max_buffer:
            return self.abort()
        return super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        self._count_part()
        super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        self._count_part()
        super().handle_cont(event)

    def _count_part(self) -> None:
        if self._parts is None:
            self._parts = Meter(most_of_parts())
        if wait := self._parts.take():
            self.rest(wait)
