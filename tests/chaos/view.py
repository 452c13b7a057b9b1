"""A room as one client keeps it: what `protocol.md` asks of any client (its rules 3, 4 and 6) and nothing more."""

from dataclasses import dataclass, field
from typing import Any

from tests.chaos.logs import Line

Frame = dict[str, Any]
MAX_AHEAD = 2_000  # frames kept beyond a hole


@dataclass
class View:
    """`last` is the seq up to which everything is known, `position` where a new socket resumes."""

    epoch: str = ""
    last: int = 0
    position: int = 0
    paging: bool = False  # the rest of a catch-up is still to come
    repairing: bool = False
    oldest: int = 1  # from this seq on everything is known; what is older is read by `history`
    lines: dict[str, Line] = field(default_factory=dict)  # by message id
    clashes: list[str] = field(default_factory=list)
    _places: dict[int, str] = field(default_factory=dict)  # seq -> message id
    _ahead: dict[int, Frame] = field(default_factory=dict)

    @property
    def broken(self) -> bool:
        """Whether a hole keeps frames back."""
        return bool(self._ahead) and not self.paging

    def hear(self, seq: int, message: Frame) -> None:
        """A `msg` or an `upd`: apply it, drop it, or keep it until the hole before it is filled."""
        if seq > self.last and len(self._ahead) < MAX_AHEAD:
            self._ahead[seq] = message
        self._advance()

    def joined(self, frame: Frame) -> None:
        """The room from a position on, or its newest page."""
        if not frame["resumed"]:
            self.lines.clear()
            self._places.clear()
            self.last = self.position = 0
            self.oldest = min((message["seq"] for message in frame["messages"]), default=1)
        self.epoch, self.repairing = frame["epoch"], False
        self._take_all(frame["messages"])
        self.last = max(self.last, frame["head"])
        self.paging = bool(frame["resumed"] and frame["more"])
        self.position = max(self.position, frame["messages"][-1]["changed"]) if self.paging else self.last
        self._advance()

    def page(self, frame: Frame) -> None:
        """The rest of a catch-up."""
        self._take_all(frame["messages"])
        self.paging = bool(frame["more"])
        if frame["messages"]:
            self.position = max(self.position, frame["messages"][-1]["changed"])
        self._advance()

    def older(self, frame: Frame) -> None:
        """A page of history."""
        self.oldest = min([self.oldest, *(message["seq"] for message in frame["messages"])]) if frame["more"] else 1
        self._take_all(frame["messages"])

    def cut(self) -> None:
        """The socket has gone, and every answer with it."""
        self.paging = self.repairing = False
        self._ahead.clear()

    def _advance(self) -> None:
        while not self.paging and (message := self._ahead.pop(self.last + 1, None)) is not None:
            self.last += 1
            self._take(message)
        for seq in [seq for seq in self._ahead if seq <= self.last]:
            self._take(self._ahead.pop(seq))
        if not self.paging:
            self.position = self.last

    def _take_all(self, messages: list[Frame]) -> None:
        for message in messages:
            self._take(message)

    def _take(self, message: Frame) -> None:
        line = line_of(message)
        if line.seq < self.oldest:
            return  # a change of something older: history brings it as it is then
        known = self._places.setdefault(line.seq, line.id)
        if known != line.id:
            self.clashes.append(f"seq {line.seq} is {known} and {line.id}")
        before = self.lines.get(line.id)
        if before is None or line.changed >= before.changed:
            self.lines[line.id] = line


def line_of(message: Frame) -> Line:
    """A message of the wire as it is shown."""
    reactions = message.get("reactions") or {}
    return Line(
        seq=message["seq"],
        id=message["id"],
        changed=message["changed"],
        cid=message.get("cid") or "",
        text=message["text"],
        deleted=bool(message.get("deleted")),
        reactions=tuple(sorted((emoji, said["n"]) for emoji, said in reactions.items())),
    )
