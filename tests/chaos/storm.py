"""A storm: people who write while their sockets are killed and their acks withheld, and what must be true afterwards.

The clients do what `protocol.md` asks of any client and nothing more: what is not acknowledged goes again, in order, after the
next welcome (rule 7); rooms are resumed from the last seq (rule 4); a jump is repaired by `join after` (rule 3).
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

from tests.support.sockets import ChatSocket, Frame, NothingCame
from tests.support.stored import Line, is_gapless

WITHHELD: Final = 0.5  # of the acks: as if they had been lost on the way
UPWARDS: Final = "up "  # begins the ref of a `history`, to tell its pages from those of a catch-up
PATIENCE: Final = 60.0  # seconds for everything to come right after the last kill

Connect = Callable[..., Any]  # with `rooms=`: an open socket that was welcomed


@dataclass
class View:
    """A room as one person sees it: rule 3, and nothing else."""

    epoch: str = ""
    last: int = 0
    lines: dict[int, str] = field(default_factory=dict)  # seq -> cid
    doubled: int = 0
    repairing: bool = False

    def take(self, message: Frame) -> None:
        """A line is shown at its place; another line at the same place would be a fault."""
        known = self.lines.setdefault(message["seq"], message["cid"])
        self.doubled += known != message["cid"]

    def hear(self, seq: int, message: Frame) -> bool:
        """A `msg`. False: it is ahead of a hole."""
        if seq > self.last + 1:
            return False
        if seq == self.last + 1:
            self.take(message)
            self.last = seq
        return True


@dataclass
class Person:
    """A writer and reader whose socket keeps dying."""

    name: str
    connect: Connect
    rooms: list[UUID]
    to_say: list[tuple[UUID, UUID, str]]  # room, cid, text: what is left to say, in order
    dice: random.Random
    withhold: bool = True
    said: list[tuple[UUID, UUID, str]] = field(init=False)  # all of it
    views: dict[str, View] = field(default_factory=dict)
    unacked: dict[str, tuple[UUID, UUID, str]] = field(default_factory=dict)  # in the order sent
    socket: ChatSocket | None = None
    refused: list[Frame] = field(default_factory=list)
    kills: int = 0

    def __post_init__(self) -> None:
        self.said = list(self.to_say)

    async def live(self) -> None:
        """Be there until cancelled: connect, say, hear, die, come back."""
        while True:
            with suppress(NothingCame, OSError):
                async with self.connect(rooms=self.positions()) as socket:
                    await self._converse(socket)

    def positions(self) -> list[dict[str, Any]]:
        """What `hello` says of the rooms."""
        return [{"room": room, "epoch": view.epoch, "after": view.last} for room, view in self.views.items() if view.epoch]

    def kill(self) -> bool:
        """Cut the socket, if there is one. Whatever was under way in either direction is gone."""
        if self.socket is None:
            return False
        self.socket.cut()
        self.socket = None
        self.kills += 1
        return True

    @property
    def is_done(self) -> bool:
        return not self.to_say and not self.unacked

    async def _converse(self, socket: ChatSocket) -> None:
        reading = asyncio.create_task(self._hear_all(socket))
        try:
            await self._join_all(socket)
            for room, cid, text in list(self.unacked.values()):
                await socket.say("send", cid=cid, room=room, text=text)
            self.socket = socket
            await self._say_all(socket)
            await reading
        finally:
            reading.cancel()
            self.socket = None

    async def _join_all(self, socket: ChatSocket) -> None:
        """Rooms that `hello` did not resume, and history of which the end is not reached."""
        for room in map(str, self.rooms):
            view = self.views.get(room)
            if view is None:
                await socket.say("join", ref=room, room=room)
            else:
                view.repairing = False
                await self._read_upwards(socket, room)

    async def _say_all(self, socket: ChatSocket) -> None:
        while self.to_say and socket.code is None:
            room, cid, text = said = self.to_say.pop(0)
            self.unacked[str(cid)] = said
            await socket.say("send", cid=cid, room=room, text=text)
            await asyncio.sleep(self.dice.random() * 0.08)  # people type; kills fall between any two lines

    async def _hear_all(self, socket: ChatSocket) -> None:
        """Handle frames in the order in which they come; ends with the socket."""
        while True:
            frame = await socket.expect_one(lambda _frame: True, "frame", seconds=PATIENCE)
            await self._hear(socket, frame)

    async def _hear(self, socket: ChatSocket, frame: Frame) -> None:
        match frame["t"]:
            case "ack":
                if not (self.withhold and self.dice.random() < WITHHELD):
                    self.unacked.pop(frame["cid"], None)
            case "err":
                self.refused.append(frame)
            case "msg":
                if not self.views[frame["room"]].hear(frame["seq"], frame["message"]):
                    await self._repair(socket, frame["room"])
            case "joined" | "page":
                await self._catch_up(socket, frame)

    async def _repair(self, socket: ChatSocket, room: str) -> None:
        """One at a time for each room."""
        view = self.views[room]
        if not view.repairing:
            view.repairing = True
            await socket.say("join", ref=room, room=room, epoch=view.epoch, after=view.last)

    async def _catch_up(self, socket: ChatSocket, frame: Frame) -> None:
        """Rule 6: what changed after my position, in one frame or in several; or the newest page, with older ones above it."""
        view = self.views.setdefault(frame["room"], View())
        for message in frame["messages"]:
            view.take(message)
        if frame["t"] == "joined":
            view.epoch, view.repairing = frame["epoch"], False
            if not (frame["resumed"] and frame["more"]):
                view.last = max(view.last, frame["head"])
        elif frame["ref"].startswith(UPWARDS):
            return await self._read_upwards(socket, frame["room"])
        while view.last + 1 in view.lines:
            view.last += 1
        if frame["t"] == "joined" and not frame["resumed"]:
            await self._read_upwards(socket, frame["room"])
        return None

    async def _read_upwards(self, socket: ChatSocket, room: str) -> None:
        """Ask for what stands above the oldest line that is known."""
        oldest = min(self.views[room].lines, default=1)
        if oldest > 1:
            await socket.say("history", ref=UPWARDS + room, room=room, before=oldest)


@asynccontextmanager
async def alive(people: list[Person]) -> AsyncIterator[None]:
    """They live while the block runs."""
    tasks = [asyncio.create_task(person.live(), name=person.name) for person in people]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def strike(people: list[Person], kills: int, dice: random.Random) -> None:
    """Kill so many sockets, of people who still have something to say as long as there are any."""
    while kills:
        here = [person for person in people if person.socket is not None]
        talking = [person for person in here if person.to_say]
        if here and dice.choice(talking or here).kill():
            kills -= 1
        await asyncio.sleep(dice.random() * 0.08)


async def calm(people: list[Person], heads: dict[str, int]) -> None:
    """Wait until everything said is acknowledged and everyone has seen all of their rooms. Acks come through from here on."""
    try:
        async with asyncio.timeout(PATIENCE):
            await _settled(people, heads)
    except TimeoutError:
        left = [f"{one.name}: {len(one.unacked)} not acknowledged" for one in people if not one.is_done]
        blind = [one.name for one in people if not _has_seen(one, heads)]
        raise AssertionError(f"no calm in {PATIENCE} s; {left}; not all seen by {blind}") from None


async def _settled(people: list[Person], heads: dict[str, int]) -> None:
    while any(person.to_say for person in people):
        await asyncio.sleep(0.05)
    for person in people:
        person.withhold = False
    while not all(person.is_done and _has_seen(person, heads) for person in people):
        for person in people:
            if not person.is_done:
                person.kill()  # what was withheld is asked for again
        await asyncio.sleep(1.0)


def _has_seen(person: Person, heads: dict[str, int]) -> bool:
    views = {str(room): person.views.get(str(room), View()) for room in person.rooms}
    return all(view.last == len(view.lines) == heads[room] for room, view in views.items())


def new_lines(room: UUID, name: str, count: int) -> list[tuple[UUID, UUID, str]]:
    """What one person is going to say in a room: numbered, so that order can be checked."""
    return [(room, uuid4(), f"{name} {n:04}") for n in range(count)]


def check_database(lines: Sequence[Line], said: dict[UUID, str]) -> None:
    """Gapless, nothing lost, nothing doubled, and each person's lines in the order in which they said them."""
    assert is_gapless([line.seq for line in lines])
    assert len(lines) == len({line.cid for line in lines}), "doubled"
    assert {line.cid: line.text for line in lines} == said
    for name in {text.rpartition(" ")[0] for text in said.values()}:
        theirs = [line.text for line in lines if line.text.startswith(name)]
        assert theirs == sorted(theirs), f"{name} out of order"


def check_viewers(lines: Sequence[Line], people: Sequence[Person], room: UUID) -> None:
    """Everyone in the room has seen exactly what the database holds, each line at its place."""
    for person in people:
        if room in person.rooms:
            view = person.views[str(room)]
            assert view.doubled == 0, person.name
            assert [view.lines[seq] for seq in sorted(view.lines)] == [str(line.cid) for line in lines], person.name
