"""Bad lines between people and servers."""

import asyncio

from tests.chaos.habits import Habits
from tests.chaos.person import Person
from tests.chaos.scenarios.scenario import Scenario, until_over
from tests.chaos.setting import Setting
from tests.chaos.stage import PATIENCE, Stage
from tests.support.proxy import Proxy

HERD = 125  # sockets of each tenant that are cut at once
OWED = 5 << 20  # bytes: more than may wait for one socket (1 MiB) and in the kernel's own buffer (up to 4 MiB on Linux)
FLOOD_SIZE = 3_800  # bytes of a line
FLOOD_SECONDS = 0.006  # between two lines; an agent may say 200 a second in the long run


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
    """One visitor of each tenant reads nothing while their room is flooded: they are cut with 4008, and nobody else notices."""
    slow = {person.log.tenant: (person, wire) for person, wire in zip(run.people, run.wires, strict=True) if _may_be_slow(person)}
    chosen = list(slow.values())
    others = [person for person in run.people if all(person is not one for one, _wire in chosen)]
    for _person, wire in chosen:
        wire.faults.stalled = True
    await asyncio.gather(*(_flood(run, person.log.rooms[0]) for person, _wire in chosen))
    run.kills, run.figures["owed_bytes"] = len(chosen), OWED
    await asyncio.gather(*(_read_again(run, person, wire) for person, wire in chosen))
    async for _ in until_over(run):
        await run.recovered()
        await asyncio.sleep(0.5)
    run.figures["cut_4008"] = sum(person.log.codes.count(4008) for person, _wire in chosen)
    if any(4008 in person.log.codes for person in others):
        run.complaints.append("somebody who reads was cut for the slowness of others")


def _may_be_slow(person: Person) -> bool:
    return person.log.kind == "visitor" and person.log.way == "socket"


async def _flood(run: Stage, room: str) -> None:
    """Let the agents say more in the room than may wait for a socket."""
    agents = [person for person in run.people if person.log.kind == "agent" and room in person.log.rooms]
    sizes = [person.habits.size for person in agents]
    for person in agents:
        person.habits.size = FLOOD_SIZE
    for said in range(OWED // FLOOD_SIZE):
        await agents[said % len(agents)].say_line(room)
        await asyncio.sleep(FLOOD_SECONDS)
    for person, size in zip(agents, sizes, strict=True):
        person.habits.size = size
    await run.recovered(people=agents)


async def _read_again(run: Stage, person: Person, wire: Proxy) -> None:
    """Let them read what was kept for them. A socket that still lives then was owed more than any may be."""
    before, began = person.welcomes, run.clock()
    wire.faults.stalled = False
    async with asyncio.timeout(PATIENCE):
        while person.welcomes == before and person.pong_at < began:
            await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)
    if person.welcomes == before and person.is_here:
        run.complaints.append(f"a reader who was owed {OWED} bytes was not cut: what waits for a socket has no bound")


async def herd(run: Stage) -> None:
    """A few hundred sockets are cut at once and come back at once, while people go on talking."""
    crowd = run.people[len(run.wires) :]
    async for _ in until_over(run):
        before, began = {id(person): person.welcomes for person in crowd}, run.clock()
        for person in crowd:
            person.cut()
        run.kills += len(crowd)
        await _all_back(crowd, before)
        run.recoveries.append(run.clock() - began)
        await run.recovered(people=run.people[: len(run.wires)])
        await run.pause(0.5, 1.5)


async def _all_back(crowd: list[Person], before: dict[int, int]) -> None:
    """Each has a new socket that was welcomed."""
    async with asyncio.timeout(PATIENCE):
        while not all(person.welcomes > before[id(person)] for person in crowd):
            await asyncio.sleep(0.05)


SCENARIOS = (
    Scenario("sockets_cut", cuts, Setting(habits=Habits(pace=0.2, burst=6)), quiet=True),
    Scenario("frames_tampered", frames_tampered, quiet=True),
    Scenario("half_open_lines", half_open, least=8, quiet=True),
    Scenario("slow_readers", slow_readers, Setting(habits=Habits(patience=300.0), receive_buffer=16 * 1024), quiet=True),
    Scenario("reconnect_herd", herd, Setting(visitors=2, crowd=HERD, habits=Habits(pace=0.5)), quiet=True),
)
