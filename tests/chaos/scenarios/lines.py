"""Bad lines between people and servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.chaos.habits import Habits
from tests.chaos.people import Person
from tests.chaos.scenarios.scenario import Scenario, until_over
from tests.chaos.stage import PATIENCE, Setting, Stage
from tests.support.proxy import Proxy

HERD = 300  # sockets that are cut at once


async def cuts(run: Stage) -> None:
    """Sockets are reset all the time, many of them in the middle of what was written at once."""
    for wire in run.wires:
        wire.faults.cut = 0.02
    async for _ in until_over(run):
        await asyncio.sleep(run.dice.random() * 0.2)
        run.kills += run.dice.choice(run.wires).cut()
    run.kills = sum(person.welcomes - 1 for person in run.people)


async def frames_tampered(run: Stage) -> None:
    """Lines come twice, in another order, late, or never."""
    for wire in run.wires:
        wire.faults.duplicate, wire.faults.swap, wire.faults.drop = 0.1, 0.1, 0.05
        wire.faults.delay, wire.faults.jitter = 0.002, 0.02
    async for _ in until_over(run):
        await asyncio.sleep(0.5)
    run.kills = run.figures["frames_dropped"] = sum(wire.dropped for wire in run.wires)


async def half_open(run: Stage) -> None:
    """Lines go dead in one direction or in both, and nobody is told."""
    async for _ in until_over(run):
        await run.pause(0.3, 1.0)
        began = run.clock()
        for wire in run.dice.sample(run.wires, len(run.wires) // 3):
            setattr(wire.faults, run.dice.choice(["deaf", "mute", "stalled"]), True)
            run.kills += 1
        await run.pause(1.0, 9.0)
        for wire in run.wires:
            wire.faults.mend()
        await run.recovered(began)


async def slow_readers(run: Stage) -> None:
    """Some read nothing while their rooms are flooded: they are cut with 4008, and nobody else notices."""
    slow = [(person, wire) for person, wire in zip(run.people, run.wires, strict=True) if person.log.kind == "visitor"]
    chosen = [found for index, found in enumerate(slow) if index % 2 == 0]
    others = [person for person in run.people if all(person is not one for one, _wire in chosen)]
    async for _ in until_over(run):
        owed = await _starve(run, chosen, others)
        run.kills += len(chosen)
        run.figures["owed_bytes"] = max(owed, run.figures.get("owed_bytes", 0))
        await run.recovered()
    run.figures["cut_4008"] = sum(person.log.codes.count(4008) for person, _wire in chosen)
    if not run.figures["cut_4008"]:
        run.complaints.append("no slow reader was cut with 4008: what waits for a socket has no bound")
    if any(4008 in person.log.codes for person in others):
        run.complaints.append("somebody who reads was cut for the slowness of others")


OWED = 6 << 20  # bytes: several times what may wait for one socket


async def _starve(run: Stage, chosen: list[tuple[Person, Proxy]], others: list[Person]) -> int:
    """Stall them until the server owes each of them more than it may hold, then let them read again; what it owed at least."""
    for _person, wire in chosen:
        wire.faults.stalled = True
    marks = {person.log.name: len(person.log.heard) for person in others}
    async with asyncio.timeout(PATIENCE):
        while (owed := _least_owed(chosen, others, marks)) < OWED:
            await asyncio.sleep(0.2)
    for _person, wire in chosen:
        wire.faults.stalled = False
    return owed


def _least_owed(chosen: list[tuple[Person, Proxy]], others: list[Person], marks: dict[str, int]) -> int:
    """What others heard meanwhile of the room of the one to whom the least was said."""
    return min(
        max(_heard_of(person.log.rooms[0], one, marks[one.log.name]) for one in others if person.log.rooms[0] in one.log.rooms)
        for person, _wire in chosen
    )


def _heard_of(room: str, person: Person, mark: int) -> int:
    return sum(len(text) for text in person.log.heard[mark:] if room in text[:80])


async def herd(run: Stage) -> None:
    """A few hundred sockets are cut at once and come back at once, while people go on talking."""
    async with _crowd(run) as crowd:
        async for _ in until_over(run):
            await _all_here(crowd, 0)
            before = min(person.welcomes for person in crowd)
            began = run.clock()
            for person in crowd:
                person.cut()
            run.kills += len(crowd)
            await _all_here(crowd, before)
            run.recoveries.append(run.clock() - began)
            await run.recovered()
            await run.pause(0.5, 1.5)


async def _all_here(crowd: list[Person], before: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while not all(person.connection is not None and person.welcomes > before for person in crowd):
            await asyncio.sleep(0.05)


@asynccontextmanager
async def _crowd(run: Stage) -> AsyncIterator[list[Person]]:
    """Silent agents of both tenants, each on many sockets and in all rooms."""
    crowd = [run.twin(person, number) for person in run.people if person.log.kind == "agent" for number in range(HERD // 4)]
    lives = [asyncio.create_task(person.live()) for person in crowd]
    try:
        yield crowd
        run.people += crowd  # in the end they have seen everything, too
        await run.calm()
    finally:
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)


SCENARIOS = (
    Scenario("sockets_cut", cuts, Setting(habits=Habits(pace=0.2, burst=6))),
    Scenario("frames_tampered", frames_tampered),
    Scenario("half_open_lines", half_open, least=8),
    Scenario("slow_readers", slow_readers, Setting(habits=Habits(pace=0.15, burst=6, size=3_000), receive_buffer=4096), least=5),
    Scenario("reconnect_herd", herd, Setting(agents=2, visitors=2)),
)
