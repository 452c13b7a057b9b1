"""How long a thread keeps the interpreter while the sockets want it back.

The event loop gives it away at every read and write, and where another thread computes meanwhile it waits that long each time,
several times for one message. To hand it over sooner costs more switches, and those who open sockets or store messages, whose
threads are others, would pay for them. So it is handed over sooner only while Django answers.
"""

import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final

SWITCH_SECONDS: Final = 0.0005  # Python's own are ten times as long
SOON_SECONDS: Final = 0.0001  # while a thread answers a request


class HandOver:
    """For so long as any thread is in the block, the interpreter is handed over `soon`, and else as `usual`; both in seconds.

    One for the process, since there is one interpreter. From any thread, and as often at once as one likes.
    """

    def __init__(self, usual: float, soon: float, *, set_to: Callable[[float], None] = sys.setswitchinterval) -> None:
        self._usual, self._soon, self._set_to = usual, soon, set_to
        self._lock = threading.Lock()
        self._within = 0

    def __enter__(self) -> None:
        with self._lock:
            self._within += 1
            if self._within == 1:
                self._set_to(self._soon)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._lock:
            self._within -= 1
            if not self._within:
                self._set_to(self._usual)


handing_over_soon: Final = HandOver(SWITCH_SECONDS, SOON_SECONDS)
