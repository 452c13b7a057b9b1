"""Takes what a Redis server says apart, so that a proxy can lose single doorbells (RESP2 and RESP3)."""

from dataclasses import dataclass
from typing import Final

LONG: Final = b"*>~%|"  # aggregates: so many elements follow; a map has two each
OUT: Final = b"\xa3out"  # the kind of such an order, in MessagePack
TEXT: Final = b"$!="  # a length and so many bytes follow


@dataclass
class Replies:
    """A `Splitter` for the server's side of a Redis connection."""

    held: bytes = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The replies that are whole now."""
        self.held += data
        pieces: list[bytes] = []
        while (end := self._end(0)) > 0:
            pieces.append(self.held[:end])
            self.held = self.held[end:]
        return pieces

    def touchable(self, piece: bytes) -> bool:
        """Only what was published: another answer that never came would be a broken server, not a lost doorbell."""
        return piece[:1] in b"*>" and b"\r\n$7\r\nmessage\r\n" in piece[:24]

    def _end(self, start: int) -> int:
        """Where the value that begins here ends; 0 while it is not whole."""
        line = self.held.find(b"\r\n", start)
        if line < 0:
            return 0
        kind, rest = self.held[start : start + 1], self.held[start + 1 : line]
        if kind in TEXT:
            end = line + 2 + (int(rest) + 2 if int(rest) >= 0 else 0)
            return end if len(self.held) >= end else 0
        end = line + 2
        for _ in range(max(0, int(rest)) * (2 if kind in b"%|" else 1) if kind in LONG else 0):
            end = self._end(end)
            if not end:
                return 0
        return end


@dataclass
class Orders(Replies):
    """The same, but only the orders that end somebody's place in a room can be lost."""

    def touchable(self, piece: bytes) -> bool:
        return super().touchable(piece) and OUT in piece
