"""What `fastsocket` offers to an application, and how it tells where a frame ends."""

from collections.abc import Callable, Hashable, Iterable
from typing import Protocol

EXTENSION = "porchlight.raw_text"
MAX_MESSAGE = 128 * 1024  # a larger message is cut with 1009 before it is held in memory

Take = Callable[[str], None]


class RawText(Protocol):
    """What the extension offers."""

    owner: Hashable  # whose frames share a slice of each turn of the loop, see `slices`

    def write(self, framed: bytes) -> bool:
        """Write framed text now, after what waits. False: the socket is not open, or its peer reads too slowly."""
        ...

    def write_soon(self, framed: bytes) -> bool:
        """Write it together with what else is written in this turn of the loop."""
        ...

    def flush(self) -> None:
        """Write what waits for the end of the turn."""
        ...

    def hand_over(self, take: Take | None) -> bool:
        """From now on each text goes to `take`, at once; `receive` tells of the end only. With None it brings all again.

        False: texts wait that came before; receive them first. `take` must not raise.
        """
        ...

    def rest(self, seconds: float) -> None:
        """Take and read nothing more for so long; what has come is kept. 0 ends a rest."""
        ...

    @property
    def unsent(self) -> int:
        """Bytes that were written and not taken by the peer yet."""
        ...

    def abort(self) -> None:
        """Drop the connection now, with whatever it still holds."""
        ...


def end_of(data: bytes | bytearray, at: int, size: int) -> int:
    """Where the frame at `at` ends; beyond `size` also while its head is not whole. (RFC 6455, section 5.2.)"""
    length = data[at + 1] & 0x7F
    mask = 4 if data[at + 1] & 0x80 else 0
    if length < 126:
        return at + 2 + mask + length
    extra = 2 if length == 126 else 8
    if size - at < 2 + extra:
        return size + 1
    return at + 2 + extra + mask + int.from_bytes(data[at + 2 : at + 2 + extra], "big")


def may_become_whole(data: bytearray) -> bool:
    """Whether the beginning of a frame is that of one a client may send, and not longer than we take."""
    control = data[0] & 0x08
    if data[0] & 0x70 or data[0] & 0x07 > 2 or not data[1] & 0x80:
        return False  # a reserved bit or opcode, or no mask
    if control and (not data[0] & 0x80 or data[1] & 0x7F > 125):
        return False  # a ping or close in parts, or too long
    return end_of(data, 0, len(data)) <= max(len(data) + 1, MAX_MESSAGE + 14)


def is_utf8(parts: Iterable[bytes]) -> bool:
    try:
        b"".join(parts).decode()
    except UnicodeDecodeError:
        return False
    return True
