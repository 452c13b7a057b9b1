"""Several faults at once, drawn from the seed: what a bad day looks like."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.chaos.scenarios.database import is_back
from tests.chaos.scenarios.scenario import Scenario, until_over
from tests.chaos.stage import Stage

Blow = Callable[[Stage], Awaitable[None]]


async def bad_day(run: Stage) -> None:
    """Bad lines all the time, lost doorbells, and every now and then something dies."""
    blows: list[Blow] = []
    for wire in run.wires[::2]:
        wire.faults.duplicate, wire.faults.swap, wire.faults.cut = 0.05, 0.05, 0.005
    for bell in run.bells:
        bell.faults.drop = 0.1
    async for _ in until_over(run):
        blows = blows or run.dice.sample(BLOWS, len(BLOWS))  # each once, in turn
        await run.pause(0.3, 1.0)
        began = run.clock()
        await blows.pop()(run)
        run.kills += 1
        await run.recovered(began)


async def _worker_dies(run: Stage) -> None:
    worker = run.dice.choice(run.workers)
    await run.kill(worker)
    run.kills -= 1  # counted by the caller
    await run.revive(worker)


async def _database_dies(run: Stage) -> None:
    await is_back(run, await asyncio.to_thread(run.ground.kill_database))


async def _redis_dies(run: Stage) -> None:
    if run.redis:
        await asyncio.to_thread(run.redis.kill)
        await run.pause(0.2, 1.0)
        await asyncio.to_thread(run.redis.replace)


async def _lines_die(run: Stage) -> None:
    for wire in run.dice.sample(run.wires, len(run.wires) // 2):
        wire.cut()


async def _worker_leaves(run: Stage) -> None:
    worker = run.dice.choice(run.workers)
    worker.terminate()
    await asyncio.to_thread(worker.wait)
    await run.revive(worker)


BLOWS: list[Blow] = [_worker_dies, _database_dies, _redis_dies, _lines_die, _worker_leaves]
SCENARIOS = (Scenario("bad_day", bad_day, least=20),)
