"""Order in a community room while everybody talks: mutes, bans, slow mode, locks, pins, and complaints to the team."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx

from tests.chaos.habits import NEAR, Address
from tests.chaos.logs import Ban
from tests.chaos.person import Person
from tests.chaos.polls import requests_to

BOUND_SECONDS: Final = 2.0  # after which who was banned hears nothing more, while processes hear each other; promised is one
BANNED_SECONDS: Final = (3.0, 5.0)  # between a ban and its end
BAN_FOR: Final = 3_600  # seconds: no ban ends by itself during a run
BETWEEN_SECONDS: Final = (0.6, 1.2)  # two acts
TRY_AGAIN_SECONDS: Final = 0.5
ANSWER_SECONDS: Final = 3.0  # at most, for the moderator's own words
LOOK_SECONDS: Final = 0.05  # between two looks for it
TELL_SECONDS: Final = 0.3  # from an answer until everybody has heard what was said
TAKEN: Final = {200, 201, 204}
POINTLESS: Final = {404, 409}  # the message has gone meanwhile, or stood there already


@dataclass
class Keeper:
    """Who keeps order in one room, by HTTP as its moderator; `members` are those who talk there and may be punished."""

    room: str
    moderator: Person
    members: list[Person]
    address: Callable[[], Address | None]
    dice: random.Random
    bound: float = BOUND_SECONDS
    counts: dict[str, int] = field(default_factory=dict)
    over: bool = False
    _banned: dict[str, tuple[Person, float]] = field(default_factory=dict)  # by person: since when
    _ends: asyncio.Event = field(default_factory=asyncio.Event)  # every ban
    _lifting: set[asyncio.Task[None]] = field(default_factory=set)

    async def keep(self) -> None:
        """Do one thing after another, until it is over; first what takes longest to show."""
        acts: list[Callable[[], Awaitable[None]]] = [self.mute, self.ban, self.slow, self.lock, self.pin, self.report]
        todo: list[Callable[[], Awaitable[None]]] = [self.ban]
        while not (self.over or self._reached()):
            await asyncio.sleep(LOOK_SECONDS)
        while not self.over:
            todo = todo or self.dice.sample(acts, len(acts))
            act = todo.pop()
            await act()
            self.counts[act.__name__] = self.counts.get(act.__name__, 0) + 1
            await asyncio.sleep(self.dice.uniform(*BETWEEN_SECONDS))

    async def lift(self) -> None:
        """Everybody may be here and write again, and nothing more is done."""
        self.over = True
        self._ends.set()
        await asyncio.gather(*self._lifting)
        await asyncio.gather(*(self._lift_ban(person) for person, _since in list(self._banned.values())))
        for person in self.members:
            await self._ask("PUT", f"/members/{person.log.person}", {"mute_for": 0})
        await self._ask("PATCH", "", {"slow_seconds": 0, "locked": False})

    async def mute(self) -> None:
        """One of them may not write for a moment."""
        person = self.dice.choice(self.members)
        await self._ask("PUT", f"/members/{person.log.person}", {"mute_for": self.dice.randint(1, 3)})

    async def ban(self) -> None:
        """One of them may not be here for a while. One at a time: the others have to say something that they could hear.

        The first is in the room on a socket and asks for nothing, so that only the order puts them out: who asks is refused, and
        is out by that.
        """
        if self._banned:
            return
        if self.counts.get("ban"):
            person = self.dice.choice(self.members)
        else:
            person = self.dice.choice(self._reached())
            person.still.add(self.room)
        await self.put_out(person)
        task = asyncio.create_task(self._lift_later(person))
        self._lifting.add(task)
        task.add_done_callback(self._lifting.discard)

    async def put_out(self, person: Person) -> None:
        """They may not be here until `lift`."""
        await self._ask("PUT", f"/members/{person.log.person}", {"ban_for": BAN_FOR})
        self._banned[person.log.person] = (person, _now())

    async def slow(self) -> None:
        """One message in a second, for a moment."""
        await self._ask("PATCH", "", {"slow_seconds": 1})
        await asyncio.sleep(self.dice.random())
        await self._ask("PATCH", "", {"slow_seconds": 0})

    async def lock(self) -> None:
        """Nobody but the moderator and the team writes, for a moment."""
        await self._ask("PATCH", "", {"locked": True})
        await asyncio.sleep(self.dice.random())
        await self._ask("PATCH", "", {"locked": False})

    async def pin(self) -> None:
        """Hold up a message, and let it down again: more than twenty are refused."""
        if message := self._message(self.moderator):
            await self._ask("POST", "/pins", {"message": message})
            await self._ask("DELETE", f"/pins/{message}", None)

    async def report(self) -> None:
        """The team hears of a message that the moderator does not like, who then deletes it."""
        if message := self._message(self.moderator):
            await self._ask("POST", "/reports", {"message": message, "reason": f"see {uuid4().hex[:6]}"})
            await self.moderator.delete(self.room, message)

    def _reached(self) -> list[Person]:
        """Who is in the room on a socket."""
        return [one for one in self.members if one.log.way == "socket" and one.is_here and self.room in one.views]

    async def _speak_after(self, moment: float) -> None:
        """Say what the banned would hear, if it were not for the ban: otherwise nobody may happen to say anything meanwhile."""
        await asyncio.sleep(moment - _now())
        said = await self.moderator.say_line(self.room)
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                while not said.acks:
                    await asyncio.sleep(LOOK_SECONDS)
                await asyncio.sleep(TELL_SECONDS)

    def _message(self, person: Person) -> str | None:
        """One that the person sees and did not say."""
        if (view := person.views.get(self.room)) is None:
            return None
        own = {one.cid for one in person.log.said}
        lines = [line.id for line in view.lines.values() if line.cid and line.cid not in own and not line.deleted]
        return self.dice.choice(lines[-NEAR:]) if lines else None

    async def _lift_later(self, person: Person) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.dice.uniform(*BANNED_SECONDS)):
                await self._ends.wait()
        await self._lift_ban(person)

    async def _lift_ban(self, person: Person) -> None:
        _person, since = self._banned[person.log.person]
        await self._speak_after(since + self.bound)
        person.log.bans.append(Ban(self.room, since, _now(), self.bound))
        await self._ask("PUT", f"/members/{person.log.person}", {"ban_for": 0})
        person.still.discard(self.room)
        self._banned.pop(person.log.person, None)

    async def _ask(self, method: str, path: str, body: Any) -> None:
        """Ask any worker until one has done it."""
        while (status := await self._try(method, path, body)) not in TAKEN | POINTLESS:
            if status in range(400, 500) and status not in {401, 429}:
                raise AssertionError(f"the keeper's {method} {path} {body} was answered with {status}")
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _try(self, method: str, path: str, body: Any) -> int:
        """The status of the answer; 0 without one."""
        with suppress(OSError, httpx.HTTPError):
            if address := self.address():
                async with requests_to(address) as http:
                    return (await http.request(method, f"/rooms/{self.room}{path}", json=body)).status_code
        return 0


def _now() -> float:
    return asyncio.get_running_loop().time()
