"""One run: servers on the ground, two tenants full of people, faults in between, and in the end calm and the checker."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from uuid import UUID

import psycopg

from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.chaos.checker import Verdict, check, read_heads
from tests.chaos.doorbells import Replies
from tests.chaos.ground import Ground, Redis
from tests.chaos.habits import Address, Habits
from tests.chaos.logs import Log, Tenant, note_word, room_word
from tests.chaos.people import Person
from tests.support.proxy import Proxy
from tests.support.server import Kind, Server, make_server
from tests.support.sockets import agent_token, visitor_token
from tests.support.talk import FAR

PATIENCE: Final = 60.0  # seconds for everything to come right after the last fault
LOOK_SECONDS: Final = 0.5  # between two looks whether it has
AGAIN_SECONDS: Final = 3.0  # after which what is not acknowledged is said once more


@dataclass
class Cast:
    """A tenant of the run with its people and their rooms."""

    ref: TenantRef
    tenant: Tenant
    made: dict[str, Any]

    @property
    def rooms(self) -> list[str]:
        """All rooms with visitors."""
        return [one["room"] for one in self.made["visitors"]]

    @property
    def notes(self) -> list[str]:
        """The rooms of the private notes, if there are any."""
        return [one["notes"] for one in self.made["visitors"] if one["notes"]]

    def words(self) -> dict[str, str]:
        """What every line begins with, by room."""
        canary = self.tenant.canary
        said = {room: f"{canary} {room_word(room)}" for room in self.rooms}
        return said | {room: f"{canary} {room_word(room)} {note_word(canary)}" for room in self.notes}


@dataclass
class Stage:
    """The run as the fault script sees it."""

    ground: Ground
    dice: random.Random
    seconds: float
    casts: list[Cast]
    workers: list[Server] = field(default_factory=list)
    redis: Redis | None = None
    bells: list[Proxy] = field(default_factory=list)  # between each worker and Redis
    people: list[Person] = field(default_factory=list)
    wires: list[Proxy] = field(default_factory=list)  # between each person and the workers, in the order of `people`
    seats: list[tuple[Cast, Principal]] = field(default_factory=list)  # of each person
    kills: int = 0
    recoveries: list[float] = field(default_factory=list)
    lives: list[asyncio.Task[None]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
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

    def twin(self, person: Person, number: int) -> Person:
        """The same person on another socket, who only reads one of their rooms and goes straight to the workers."""
        dice = random.Random(self.dice.random())
        address = way_of(self, *self.seats[self.people.index(person)], dice)
        rooms = [person.log.rooms[number % len(person.log.rooms)]]
        log = Log(f"{person.log.name}-{number}", person.log.person, person.log.kind, person.log.tenant, rooms)
        return Person(log, person.words, address, dice, replace(person.habits), quiet=True)

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

        Acks come through from here on.
        """
        for line in (*self.wires, *self.bells):
            line.faults.mend()
        talkers = [person for person in self.people if person.log.kind == "agent" and not person.quiet]
        for person in self.people:
            person.quiet, person.habits = True, replace(person.habits, withhold=0.0)
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
            if min(said.at for said in person.unacked.values()) < now - AGAIN_SECONDS and person.connection is not None:
                await person.say_again()
        return not waiting and heads is not None and all(person.has_seen(heads) for person in self.people)

    def _heads(self) -> dict[str, tuple[int, int]] | None:
        try:
            found = [read_heads(self.ground.superuser, cast.tenant.schema, cast.rooms + cast.notes) for cast in self.casts]
        except psycopg.OperationalError:
            return None  # the database is on its way back
        return {room: head for heads in found for room, head in heads.items()}

    async def judge(self) -> Verdict:
        """Compare the logs with the database."""
        for person in self.people:
            person.shows()
        logs, texts = [person.log for person in self.people], [worker.said() for worker in self.workers]
        return await asyncio.to_thread(check, self.ground.superuser, [cast.tenant for cast in self.casts], logs, texts)


@dataclass(frozen=True)
class Setting:
    """What a scenario wants to stand on its stage."""

    workers: int = 2
    kind: Kind = "uvicorn"
    agents: int = 2  # in each tenant
    visitors: int = 3
    habits: Habits = field(default_factory=Habits)
    receive_buffer: int = 0  # bytes of each visitor's way to the server
    variables: dict[str, str] = field(default_factory=dict)  # of the servers


@asynccontextmanager
async def stage(ground: Ground, setting: Setting, *, seed: int, seconds: float, mutant: str = "") -> AsyncIterator[Stage]:
    """Servers started, people alive. Raises `NoRedis` where more than one server is wanted and there is none."""
    dice = random.Random(seed)
    async with AsyncExitStack() as stack:
        slugs = [f"{name}-{dice.getrandbits(40):010x}" for name in ("acme", "globex")]
        made = await asyncio.to_thread(ground.seed, slugs, agents=setting.agents, visitors=setting.visitors)
        run = Stage(ground, dice, seconds, [cast_of(one) for one in made])
        await _serve(run, stack, setting, mutant)
        for cast in run.casts:
            for seat in seats_of(cast):
                await add_person(run, stack, cast, seat, setting)
        stack.push_async_callback(_end, run.lives)
        run.enliven(run.people)
        yield run


async def _serve(run: Stage, stack: AsyncExitStack, setting: Setting, mutant: str) -> None:
    if setting.workers > 1:
        run.redis = await asyncio.to_thread(Redis().start)
        stack.callback(run.redis.stop)
    for _ in range(setting.workers):
        url = ""
        if run.redis:
            bell = await stack.enter_async_context(Proxy(run.redis.port, dice=run.dice, splitter=Replies))
            run.bells.append(bell)
            url = f"redis://127.0.0.1:{bell.port}/0"
        worker = make_server(setting.kind, redis_url=url, **run.ground.variables, **setting.variables)
        if mutant:
            worker.command = ["-m", "tests.chaos.mutants", mutant, "--port", "{port}"]
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


@dataclass(frozen=True)
class Seat:
    """Somebody before they are alive."""

    who: Principal
    rooms: list[str]


def cast_of(made: dict[str, Any]) -> Cast:
    """A tenant that `seed.py` made."""
    ref = TenantRef(UUID(made["id"]), made["slug"], made["slug"].title(), made["schema"], "active")
    return Cast(ref, Tenant(ref.slug, ref.schema, f"canary-{ref.id.hex[-16:]}"), made)


def seats_of(cast: Cast) -> list[Seat]:
    """Agents are in all rooms, visitors in their own."""

    def principal(kind: Literal["agent", "visitor"], one: dict[str, Any]) -> Principal:
        role, site = ("agent", None) if kind == "agent" else (None, UUID(one["site"]))
        return Principal(cast.ref.id, kind, UUID(one["id"]), one["name"], role, site, None, "sid", FAR)

    agents = [Seat(principal("agent", one), cast.rooms + cast.notes) for one in cast.made["agents"]]
    return agents + [Seat(principal("visitor", one), [one["room"]]) for one in cast.made["visitors"]]


async def add_person(run: Stage, stack: AsyncExitStack, cast: Cast, seat: Seat, setting: Setting) -> None:
    """Somebody with a line of their own to the workers; alive once somebody runs `live`."""
    buffer = setting.receive_buffer if seat.who.kind == "visitor" else 0
    wire = await stack.enter_async_context(Proxy(0, dice=run.dice, receive_buffer=buffer))
    name, dice = f"{seat.who.kind}-{seat.who.id.hex[-6:]}", random.Random(run.dice.random())
    log = Log(name, str(seat.who.id), seat.who.kind, cast.ref.slug, list(seat.rooms))
    run.people.append(Person(log, cast.words(), way_of(run, cast, seat.who, dice, wire), dice, replace(setting.habits)))
    run.seats.append((cast, seat.who))
    run.wires.append(wire)


def way_of(run: Stage, cast: Cast, who: Principal, dice: random.Random, wire: Proxy | None = None) -> Callable[[], Address]:
    """Where somebody goes: to any of the workers, whether it lives or not, through their line if they have one."""

    def address() -> Address:
        worker = dice.choice(run.workers)
        if wire:
            wire.target = worker.port
        return Address(url_of(worker, cast, who), wire.port if wire else worker.port, token_of(cast, who))

    return address


def url_of(worker: Server, cast: Cast, who: Principal) -> str:
    """The socket's address as the server's own page would name it."""
    if who.kind == "visitor":
        return f"ws://widget.{worker.base_host}/ws/w/{cast.made['key']}/"
    return f"ws://{cast.ref.slug}.{worker.base_host}/ws/agent/"


def token_of(cast: Cast, who: Principal) -> str:
    """A fresh one."""
    return visitor_token(cast.ref, who) if who.kind == "visitor" else agent_token(cast.ref, who)
