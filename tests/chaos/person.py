"""What any client does, whatever carries its frames: it says, hears, loses its line, comes back, and logs all of it.

A person does what `protocol.md` asks of any client: what is not acknowledged goes again, in order, after the next welcome; rooms
are resumed from the last seq; a jump, or a ping that knows more, is mended by `join after`. And they pry: now and then they ask
for a room that is not theirs.
"""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx
from websockets.exceptions import WebSocketException

from tests.chaos.habits import PRY, SEEN, Address, Habits, a_change, a_question
from tests.chaos.logs import Log, Said
from tests.chaos.refusals import PASSING, is_settled
from tests.chaos.view import View

UP: Final = "up "  # begins the ref of a `history`, to tell its pages from those of a catch-up
HOLE_SECONDS: Final = 0.02  # two processes may publish out of order
RETURN_SECONDS: Final = 0.6  # at most, before a person comes back
AT_ONCE: Final = 100  # of what was refused goes again, and the rest
AGAIN_SECONDS: Final = 0.3  # later

Frame = dict[str, Any]


@dataclass
class Person(ABC):
    """`live` until cancelled; `quiet` ends the talking but not the listening."""

    log: Log
    words: dict[str, str]  # room -> what begins every line said there
    address: Callable[[], Address | None]  # the server to go to now; None: there is none
    dice: random.Random
    habits: Habits = field(default_factory=Habits)
    strange: list[str] = field(default_factory=list)  # rooms that are not theirs
    kept: frozenset[str] = frozenset()  # rooms in which somebody mutes, bans and locks
    still: set[str] = field(default_factory=set)  # rooms in which they repair nothing for now
    quiet: bool = False
    views: dict[str, View] = field(default_factory=dict)
    unacked: dict[str, Said] = field(default_factory=dict)  # in the order sent
    is_here: bool = False  # welcomed, and the line holds as far as they know
    welcomes: int = 0
    pong_at: float = 0.0  # loop time of the last sign of life
    proved: float = 0.0  # loop time: what was said then was acknowledged
    _asked: dict[str, Said] = field(default_factory=dict)
    _pried: set[str] = field(default_factory=set)  # the cids of what was said where it was not theirs to speak
    _held: set[str] = field(default_factory=set)  # rooms that refused something for now
    _count: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @abstractmethod
    async def _visit(self, address: Address) -> None:
        """Come in, and stay until the line breaks."""

    @abstractmethod
    async def _say(self, **frame: Any) -> None:
        """Put a frame on its way, if there is one."""

    @abstractmethod
    def cut(self) -> bool:
        """Lose the line, if there is one. Whatever was under way in either direction is gone."""

    async def live(self) -> None:
        """Be there: connect, say, hear, die, come back."""
        while True:
            with suppress(OSError, WebSocketException, httpx.HTTPError, TimeoutError, EOFError):
                if address := self.address():
                    await self._visit(address)
            self.is_here = False
            for view in self.views.values():
                view.cut()
            await asyncio.sleep(self.dice.random() * RETURN_SECONDS)

    def shows(self) -> None:
        """Put what the person sees now into the log."""
        self.log.shown = {room: dict(view.lines) for room, view in self.views.items()}
        self.log.clashes = [clash for view in self.views.values() for clash in view.clashes]

    def has_seen(self, heads: dict[str, tuple[int, int]]) -> bool:
        """Whether every room is known to its head, by seq and by the number of its messages."""
        views = ((self.views.get(room), heads.get(room, (0, 0))) for room in self.log.rooms)
        return all(view and not view.paging and (view.last, len(view.lines)) == head for view, head in views)

    @property
    def progress(self) -> int:
        """Another number whenever something more is acknowledged or seen."""
        seen = sum(view.last + len(view.lines) for view in self.views.values())
        return seen + sum(bool(said.acks) for said in self.log.said)

    async def say_again(self) -> None:
        """Everything that is not acknowledged, in the order in which it was said."""
        for said in list(self.unacked.values()):
            await self._say(**said.frame())

    async def say_line(self, room: str) -> Said:
        """Say something new."""
        said = self._line(room)
        await self._new(said)
        return said

    async def delete(self, room: str, message: str) -> None:
        """Delete a message."""
        await self._new(Said("delete", room, str(uuid4()), message=message))

    def _line(self, room: str) -> Said:
        return Said("send", room, str(uuid4()), text=f"{self._words(room)} {'x' * self.habits.size}".rstrip())

    def _words(self, room: str) -> str:
        """Never said before."""
        self._count += 1
        return f"{self.words[room]} {self.log.name} {self._count:05}"

    async def _stay(self, *acts: Coroutine[Any, Any, None]) -> None:
        """Do these, and what was put off, until the first of them ends; raises what ended it."""
        tasks = [asyncio.create_task(act) for act in acts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (*tasks, *self._tasks):
                task.cancel()
            await asyncio.gather(*tasks, *self._tasks, return_exceptions=True)
            self._held.clear()

    def _note(self, text: str) -> None:
        self.log.hear(text, asyncio.get_running_loop().time())

    def _positions(self) -> list[Frame]:
        """What `hello` says of the rooms."""
        known = ((room, view) for room, view in self.views.items() if view.epoch)
        return [{"room": room, "epoch": view.epoch, "after": view.position} for room, view in known]

    async def _begin(self) -> None:
        """Join what `hello` did not resume, say again what was not answered, pry once for certain, then talk."""
        for room in self.log.rooms:
            if room not in self.views:
                await self._join(room)
        await self.say_again()
        if self.welcomes == 1 and self.strange:
            await self._say(t="join", ref="pry", room=self.strange[0])
        while True:
            await asyncio.sleep(self.dice.random() * 2 * self.habits.pace)
            for _ in range(0 if self.quiet else self.dice.randint(1, self.habits.burst)):
                await self._say_something()

    async def _say_something(self) -> None:
        room = self.dice.choice(self.log.rooms)
        view = self.views.get(room)
        if self.strange and self.dice.random() < PRY:
            return await self._pry()
        change = a_change(view, room, self._asked, self.dice, self.habits) if view else None
        if change is None or self.dice.random() > self.habits.changes:
            change = self._line(room)
        elif change.kind == "edit":
            change.text = self._words(room) + " edited"
        return await self._new(change)

    async def _pry(self) -> None:
        """Ask for a room that is not theirs, in one way or another. Whatever is not refused is a breach."""
        question = a_question(self.dice.choice(self.strange), self.dice)
        self._pried.add(question.get("cid", ""))
        await self._say(**question)

    async def _new(self, said: Said) -> None:
        said.at = asyncio.get_running_loop().time()
        self.log.said.append(said)
        self.unacked[said.cid] = self._asked[said.cid] = said
        await self._say(**said.frame())

    async def _hear(self, frame: Frame) -> None:
        match frame["t"]:
            case "ack":
                self._answered(frame)
            case "err":
                self._refused(frame)
            case "joined" | "page":
                await self._catch_up(frame)
            case "pong":
                self.pong_at = asyncio.get_running_loop().time()
            case "notice" if not self.quiet and self.dice.random() < SEEN:
                self._later(HOLE_SECONDS, self._say(t="seen", notification=frame["id"]))
            case "left" if frame["room"] in self.log.rooms:
                self._later(1.0, self._join(frame["room"]))
            case "msg" | "upd" | "ping":
                self._hear_seq(frame)

    def _hear_seq(self, frame: Frame) -> None:
        if frame["t"] == "ping":
            for room, head in frame["heads"].items():
                if room in self.views and head > self.views[room].last:
                    self._later(HOLE_SECONDS, self._mend(room, head))
        elif view := self.views.get(frame["room"]):
            view.hear(frame["seq"], frame["message"])
            self._mend_soon(frame["room"])

    def _answered(self, frame: Frame) -> None:
        said = self._asked.get(frame["cid"])
        if said is None:
            if frame["cid"] in self._pried:
                self.log.breaches.append(f"what was said in the strange room {frame['room']} was taken")
            return
        said.acks.add((frame["seq"], frame["id"]))
        self.proved = max(self.proved, said.at)
        if self.dice.random() >= self.habits.withhold:
            self.unacked.pop(said.cid, None)

    def _refused(self, frame: Frame) -> None:
        """For now: the frame goes again. For good: only what was said of a message that is gone may be refused so."""
        said = self._asked.get(frame.get("cid", ""))
        if said is not None:
            said.refused = frame["code"]
        if said is None:
            self._refused_reading(frame.get("ref", ""), frame.get("retry_after") or 0.5)
        elif frame["code"] in PASSING:
            self._again(said.room, frame.get("retry_after") or 0.2)
        elif is_settled(said, frame["code"], self.kept):
            said.given_up = not said.acks
            self.unacked.pop(said.cid, None)

    def _again(self, room: str, seconds: float) -> None:
        """What the room refused goes again, in order, once the first wait is over."""
        if room not in self._held:
            self._held.add(room)
            self._later(seconds, self._say_refused(room))

    async def _say_refused(self, room: str) -> None:
        self._held.discard(room)
        waiting = [said for said in self.unacked.values() if said.room == room and said.refused and not said.acks]
        for said in waiting[:AT_ONCE]:
            await self._say(**said.frame())
        if waiting[AT_ONCE:]:
            self._again(room, AGAIN_SECONDS)

    def _refused_reading(self, ref: str, seconds: float) -> None:
        """A `join` or a `history` goes again."""
        room = ref.removeprefix(UP)
        if room in self.log.rooms:
            self._later(seconds, self._read_up(room) if ref.startswith(UP) else self._join(room))

    async def _join(self, room: str) -> None:
        """From the position on, if there is one."""
        view = self.views.get(room)
        known = {"epoch": view.epoch, "after": view.position} if view and view.epoch else {}
        await self._say(t="join", ref=room, room=room, **known)

    async def _read_up(self, room: str) -> None:
        """What stands above the oldest line that is known."""
        if (oldest := self.views[room].oldest) > 1:
            await self._say(t="history", ref=UP + room, room=room, before=oldest)

    async def _catch_up(self, frame: Frame) -> None:
        room = frame["room"]
        if room not in self.log.rooms:
            self.log.breaches.append(f"the strange room {room} was opened")
            return await self._say(t="leave", ref="pry", room=room)
        view = self.views.setdefault(room, View())
        if frame["t"] == "joined":
            view.joined(frame)
        elif frame["ref"].startswith(UP):
            view.older(frame)
        else:
            view.page(frame)
        await self._read_up(room)
        return self._mend_soon(room)

    def _mend_soon(self, room: str) -> None:
        if self.views[room].broken and not self.views[room].repairing:
            self.views[room].repairing = True
            self._later(HOLE_SECONDS, self._mend(room, 0))

    async def _mend(self, room: str, head: int) -> None:
        view = self.views[room]
        view.repairing = False
        if (view.broken or head > view.last) and room not in self.still:
            view.repairing = True
            await self._join(room)

    def _later(self, seconds: float, act: Coroutine[Any, Any, None]) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            with suppress(WebSocketException, OSError):
                await act

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            act.close()  # if it never began

        task = asyncio.create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(done)
