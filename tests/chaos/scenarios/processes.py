"""Workers that are killed, and workers that are restarted in good order."""

import asyncio

from tests.chaos.scenarios.scenario import Scenario, until_over
from tests.chaos.stage import Stage
from tests.support.server import Server


async def kill_one(run: Stage) -> None:
    """kill -9 one of two workers; the people go to the other one."""
    async for _ in until_over(run):
        await run.pause(0.5, 2.0)
        worker = run.dice.choice(run.workers)
        began = run.clock()
        await run.kill(worker)
        await asyncio.gather(run.recovered(began), _revive_later(run, worker))


async def _revive_later(run: Stage, worker: Server) -> None:
    await run.pause(0.2, 2.0)
    await run.revive(worker)


async def kill_all(run: Stage) -> None:
    """kill -9 all workers at once."""
    async for _ in until_over(run):
        await run.pause(0.5, 2.0)
        began = run.clock()
        await asyncio.gather(*(run.kill(worker) for worker in run.workers))
        await asyncio.gather(*(run.revive(worker) for worker in run.workers))
        await run.recovered(began)


async def rolling_restart(run: Stage) -> None:
    """SIGTERM one worker after the other: each drains, tells its people when to come back, and ends with status 0."""
    async for _ in until_over(run):
        for worker in run.workers:
            await run.pause(0.5, 1.0)
            began = run.clock()
            worker.terminate()
            status = await asyncio.to_thread(worker.wait)
            run.longest("drain_seconds", run.clock() - began)
            run.kills += 1
            if status:
                run.complaints.append(f"a drained worker ended with status {status}")
            await asyncio.gather(run.recovered(began), run.revive(worker))
    told = sum(frame.startswith('{"t":"bye"') for person in run.people for frame in person.log.heard)
    run.figures["told_bye"] = told
    if not told:
        run.complaints.append("nobody was told that the server leaves")


SCENARIOS = (
    Scenario("kill_one_worker", kill_one, least=8),
    Scenario("kill_all_workers", kill_all, least=8),
    Scenario("rolling_restart", rolling_restart, least=12),
)
