"""One run: servers on the ground, two tenants full of people, faults in between, and in the end calm and the checker."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import psycopg

from tenants.tokens import Principal
from tests.chaos.cast import Cast, Seat, address_of, cast_of, crowd_of, principal_of, seats_of, strange_to
from tests.chaos.checker import check
from tests.chaos.clock import Clock
from tests.chaos.flaws import Flaw
from tests.chaos.ground import Ground, Redis
from tests.chaos.habits import Address, Habits
from tests.chaos.keeper import Keeper
from tests.chaos.logs import Log, Tenant
from tests.chaos.looks import look_all
from tests.chaos.outcomes import strange_times
from tests.chaos.people import OnSockets
from tests.chaos.person import Person
from tests.chaos.polls import OverHttp
from tests.chaos.setting import Setting
from tests.chaos.stored import read_heads, read_told
from tests.chaos.verdict import Verdict
from tests.support.proxy import Proxy
from tests.support.server import Server, make_server

PATIENCE: Final = 60.0  # seconds for everything to come right after the last fault
LOOK_SECONDS: Final = 0.5  # between two looks whether it has
MOST_COMPLAINTS: Final = 3  # of one person
AGAIN_SECONDS: Final = 3.0  # after which what is not acknowledged is said once more


@dataclass
class Stage:
    """The run as the fault script sees it."""

    ground: Ground
    dice: random.Random
    seconds: float
    casts: list[Cast]
    workers: list[Server] = field(default_factory=list)
    door: Server | None = None  # what stands before the workers, where something does: people go there
    redis: Redis | None = None
    bells: list[Proxy] = field(default_factory=list)  # between each worker and Redis
    people: list[Person] = field(default_factory=list)
    wires: list[Proxy] = field(default_factory=list)  # between the first of `people` and the workers, in their order
    keepers: list[Keeper] = field(default_factory=list)  # who keep order in the community rooms
    clocks: list[Clock] = field(default_factory=list)  # of the workers, where they can be put wrong
    prompt: bool = False  # nothing is broken: what is told live must come live
    began: float = field(default_factory=time.time)
    kills: int = 0
    recoveries: list[float] = field(default_factory=list)
    lives: list[asyncio.Task[None]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    found_enough: bool = False  # to end it: nobody waits for calm, nor looks once more
    complaints: list[str] = field(default_factory=list)  # what a scenario itself finds wrong; any is a failure

    async def pause(self, least: float, most: float) -> None:
        """Let people talk for a while, longer in a longer run."""
        await asyncio.sleep(self.dice.uniform(least, most))

    async def recovered(self, since: float | None = None, people: Sequence[Person] | None = None) -> float:
        """Wait until everybody has an ack for something said after now (or `since`); the seconds since then."""
        clock = asyncio.get_running_loop().time
        began = clock() if since is None else since
        waited = self.people if people is None else people
        async with asyncio.timeout(PATIENCE):
            while not all(person.proved > began for person in waited):
                await asyncio.sleep(0.05)
        self.recoveries.append(clock() - began)
        return self.recoveries[-1]

    def enliven(self, people: Sequence[Person]) -> None:
        """Let them live until the end of the run."""
        self.lives += [asyncio.create_task(person.live(), name=person.log.name) for person in people]

    async def revive(self, worker: Server) -> None:
        """Start a worker again on its port."""
        began = self.clock()
        worker.launch()  # from the main thread: the kernel ends it with the thread that made it
        await asyncio.to_thread(worker.await_ready)
        self.longest("start_seconds", self.clock() - began)

    def longest(self, figure: str, seconds: float) -> None:
        """Keep the greatest value of a figure."""
        self.figures[figure] = max(round(seconds, 2), self.figures.get(figure, 0.0))

    async def kill(self, worker: Server) -> None:
        """SIGKILL."""
        await asyncio.to_thread(worker.kill)
        self.kills += 1

    @property
    def clock(self) -> Callable[[], float]:
        return asyncio.get_running_loop().time

    async def calm(self, patience: float = PATIENCE) -> bool:
        """Mend every line and wait until all is acknowledged and seen; False after `patience` seconds in which nothing changed.

        Acks come through from here on, and nobody is kept out of a room any more.
        """
        for line in (*self.wires, *self.bells):
            line.faults.mend()
        talkers = [person for person in self.people if person.log.kind == "agent" and not person.quiet]
        for person in self.people:
            person.quiet, person.habits = True, replace(person.habits, withhold=0.0)
        for keeper in self.keepers:
            await keeper.lift()
        await self._last_words(talkers)
        end, before = self.clock() + patience, -1
        while not await self._is_calm():
            if (now := sum(person.progress for person in self.people)) != before:
                end, before = self.clock() + patience, now
            if self.clock() > end:
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return True

    async def _last_words(self, talkers: Sequence[Person]) -> None:
        """One more line in every room: a line that was lost before it is noticed at once, not with the next ping."""
        for person in talkers:
            for room in person.log.rooms:
                await person.say_line(room)

    async def _is_calm(self) -> bool:
        now = self.clock()
        heads = await asyncio.to_thread(self._heads)
        waiting = [person for person in self.people if person.unacked]
        for person in waiting:
            if min(said.at for said in person.unacked.values()) < now - AGAIN_SECONDS and person.is_here:
                await person.say_again()
        return not waiting and heads is not None and all(person.has_seen(heads) for person in self.people)

    def _heads(self) -> dict[str, tuple[int, int]] | None:
        try:
            found = [read_heads(self.ground.superuser, cast.tenant.schema, cast.rooms + cast.notes) for cast in self.casts]
        except psycopg.OperationalError:
            return None  # the database is on its way back
        return {room: head for heads in found for room, head in heads.items()}

    @property
    def tenants(self) -> list[Tenant]:
        return [cast.tenant for cast in self.casts]

    def so_far(self) -> Verdict:
        """Compare the logs with the database while people talk; nobody does meanwhile. What is not there yet counts as lost."""
        for person in self.people:
            person.shows()
        return check(self.ground.superuser, self.tenants, [person.log for person in self.people], early=frozenset())

    async def judge(self) -> Verdict:
        """Compare the logs with the database."""
        for person in self.people:
            person.shows()
        tenants = self.tenants
        early = await asyncio.to_thread(read_told, self.ground.superuser, [tenant.schema for tenant in tenants])
        self.complaints += [] if self.found_enough else await look_all(self.people[: len(self.wires)])
        logs, texts = [person.log for person in self.people], [worker.said() for worker in self.workers]
        self.complaints += [words for log in logs for words in strange_times(log, self.began, time.time())[:MOST_COMPLAINTS]]
        return await asyncio.to_thread(check, self.ground.superuser, tenants, logs, texts, early=early, prompt=self.prompt)


@asynccontextmanager
async def stage(
    ground: Ground, setting: Setting, *, seed: int, seconds: float, mutant: str = "", flaws: Sequence[Flaw] = ()
) -> AsyncIterator[Stage]:
    """Servers started, people alive. Raises `NoRedis` where more than one server is wanted and there is none.

    `mutant` names the defects of the servers, `flaws` are those of the tenants' functions.
    """
    dice = random.Random(seed)
    async with AsyncExitStack() as stack:
        slugs = [f"{name}-{dice.getrandbits(40):010x}" for name in ("acme", "globex")]
        made = await asyncio.to_thread(
            ground.seed, slugs, agents=setting.agents, visitors=setting.guests + setting.crowd + setting.spare
        )
        for flaw in flaws:
            await asyncio.to_thread(flaw.make, ground, [one["schema"] for one in made])
        run = Stage(ground, dice, seconds, [cast_of(one) for one in made], prompt=setting.prompt)
        await _serve(run, stack, setting, mutant)
        run.door = stack.enter_context(setting.door(run.workers)) if setting.door else None
        for cast in run.casts:
            for seat in seats_of(cast, setting.visitors, setting.polling):
                await add_person(run, stack, cast, seat, setting)
        for cast in run.casts:
            for seat in crowd_of(cast, setting.guests, setting.crowd):
                add_straight(run, cast, seat)
        stack.push_async_callback(_end, run.lives)
        run.enliven(run.people)
        if setting.kept:
            run.keepers = [keeper_of(run, cast) for cast in run.casts]
            run.lives += [asyncio.create_task(keeper.keep(), name="keeper") for keeper in run.keepers]
        yield run


async def _serve(run: Stage, stack: AsyncExitStack, setting: Setting, mutant: str) -> None:
    if setting.workers > 1:
        run.redis = await asyncio.to_thread(Redis().start)
        stack.callback(run.redis.stop)
    for _ in range(setting.workers):
        url = ""
        if run.redis:
            bell = await stack.enter_async_context(Proxy(run.redis.port, dice=run.dice, splitter=setting.bells))
            run.bells.append(bell)
            url = f"redis://127.0.0.1:{bell.port}/0"
        worker = make_server(setting.kind, redis_url=url, **run.ground.variables, **setting.variables)
        if mutant or setting.clocks:
            worker.command = ["-m", "tests.chaos.mutants", mutant, "--port", "{port}"]
        if setting.clocks:
            run.clocks.append(Clock())
            stack.callback(run.clocks[-1].close)
            worker.variables |= run.clocks[-1].variables
        run.workers.append(worker.launch())
        stack.callback(worker.log.unlink, missing_ok=True)
        stack.push_async_callback(_stop, worker)
    for worker in run.workers:
        await asyncio.to_thread(worker.await_ready)


async def _stop(worker: Server) -> None:
    if worker.process.poll() is None:
        await asyncio.to_thread(worker.stop)


async def _end(lives: list[asyncio.Task[None]]) -> None:
    for life in lives:
        life.cancel()
    await asyncio.gather(*lives, return_exceptions=True)


async def add_person(run: Stage, stack: AsyncExitStack, cast: Cast, seat: Seat, setting: Setting) -> None:
    """Somebody with a line of their own to the workers; alive once somebody runs `live`."""
    buffer = setting.receive_buffer if seat.who.kind == "visitor" else 0
    wire = await stack.enter_async_context(Proxy(0, dice=run.dice, receive_buffer=buffer))
    run.people.append(_person(run, cast, seat, replace(setting.habits), wire))
    run.wires.append(wire)


def add_straight(run: Stage, cast: Cast, seat: Seat) -> None:
    """Somebody of the crowd, who says little."""
    run.people.append(_person(run, cast, seat, Habits(pace=4.0, burst=1), None))


def guest_of(run: Stage, cast: Cast, seat: Seat) -> Person:
    """Somebody who comes beside all others, and whom nobody waits for or judges."""
    return _person(run, cast, seat, Habits(), None)


def _person(run: Stage, cast: Cast, seat: Seat, habits: Habits, wire: Proxy | None) -> Person:
    name, dice = f"{seat.who.kind}-{seat.who.id.hex[-6:]}", random.Random(run.dice.random())
    log = Log(name, str(seat.who.id), seat.who.kind, cast.ref.slug, list(seat.rooms), way=seat.way)
    kind = OnSockets if seat.way == "socket" else OverHttp
    way = way_of(run, cast, seat.who, dice, wire)
    return kind(log, cast.words(), way, dice, habits, strange_to(cast, run.casts, seat))


def keeper_of(run: Stage, cast: Cast) -> Keeper:
    """Order in the tenant's community room. Its people take no for an answer there, and the one who keeps it sweeps it, too."""
    members = [person for person in run.people if cast.community in person.log.rooms and person.log.tenant == cast.ref.slug]
    for person in members:
        person.kept = frozenset([cast.community])
    guests = [person for person in members if person.log.kind == "visitor"]
    guests[0].habits.sweeps = frozenset([cast.community])
    who = principal_of(cast, "visitor", cast.made["visitors"][0])
    return Keeper(cast.community, guests[0], guests[1:], way_of(run, cast, who, run.dice), random.Random(run.dice.random()))


def way_of(run: Stage, cast: Cast, who: Principal, dice: random.Random, wire: Proxy | None = None) -> Callable[[], Address]:
    """Where somebody goes: to any of the workers, whether it lives or not, through their line if they have one.

    Their token was made by any of them, by the clock that it has.
    """

    def address() -> Address:
        worker = run.door or dice.choice(run.workers)
        if wire:
            wire.target = worker.port
        ahead = dice.choice(run.clocks).ahead if run.clocks else 0.0
        return address_of(worker, cast, who, port=wire.port if wire else worker.port, ahead=ahead)

    return address
