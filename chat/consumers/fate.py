"""What becomes of a socket, counted once at its welcome or before, and once at its end."""

from typing import Final

from chat import metrics
from chat.realtime.protocol.codes import Close

CUT: Final = 1006  # what it ends with until more is known (RFC 6455, section 7.4.1)
BEFORE_WELCOME: Final = {Close.RESTART: "gone", Close.BUSY: "busy", Close.NO_HELLO: "silent"}


class Fate:
    """Of one socket. `began` is the time of its handshake, in seconds of the loop's clock."""

    __slots__ = ("_began", "_code", "_is_welcomed", "_result")

    def __init__(self, began: float) -> None:
        self._began = began
        self._result = "gone"
        self._code: int | None = None
        self._is_welcomed = False

    def welcomed(self, now: float) -> None:
        """Its hello was answered."""
        self._is_welcomed = True
        metrics.WELCOME.observe(now - self._began)
        metrics.ACCEPTS.add("welcomed")

    def limited(self) -> None:
        """It comes too often, and will be told so."""
        self._result = "limited"

    def ends(self, code: int) -> None:
        """With this code, by our doing; the first one counts."""
        if self._code is not None:
            return
        self._code = int(code)
        if self._result == "gone":
            self._result = BEFORE_WELCOME.get(Close(code), "refused")
        if code == Close.TOO_SLOW:
            metrics.SHED.add()

    def peer_ended(self, code: int | None) -> None:
        """The peer did it, or the line."""
        if self._code is None:
            self._code = code or CUT

    def count(self) -> None:
        """It is over."""
        if not self._is_welcomed:
            metrics.ACCEPTS.add(self._result)
        code = str(self._code or CUT)
        metrics.CLOSES.add(code if code in metrics.CODES else metrics.OTHER_CODE)
