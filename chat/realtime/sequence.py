"""Frames of one room in the order of their seq, whatever order they arrive in. Pure."""

from dataclasses import dataclass, field

MAX_HELD = 1_000  # frames kept while a hole is being repaired; above, the repair brings them


@dataclass(slots=True)
class Sequence:
    """Lets frames through in order. `head` is the last one that was let through; None before anything is known."""

    head: int | None = None
    held: dict[int, bytes] = field(default_factory=dict)

    def offer(self, seq: int, frame: bytes) -> list[tuple[int, bytes]]:
        """Take a frame; those that may go out now, in order. A frame at or below `head` is dropped."""
        if self.head is not None and seq == self.head + 1:
            self.head = seq
            return [(seq, frame), *self._drain()]
        if self.head is not None and seq <= self.head:
            return []
        if len(self.held) < MAX_HELD:
            self.held[seq] = frame
        return self._drain()

    def advance(self, head: int) -> list[tuple[int, bytes]]:
        """Everything up to `head` is known to have gone out or to be in what the reader reads; never moves back."""
        if self.head is None or head > self.head:
            self.head = head
        for seq in [seq for seq in self.held if seq <= self.head]:
            del self.held[seq]
        return self._drain()

    @property
    def broken(self) -> bool:
        """Whether a hole keeps frames back."""
        return self.head is not None and bool(self.held)

    def _drain(self) -> list[tuple[int, bytes]]:
        ready: list[tuple[int, bytes]] = []
        if self.head is None:
            return ready
        while (frame := self.held.pop(self.head + 1, None)) is not None:
            self.head += 1
            ready.append((self.head, frame))
        return ready
