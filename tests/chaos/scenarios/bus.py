"""A Redis that is killed, emptied, frozen, replaced, and that loses doorbells: it costs latency, never a message."""

import asyncio
import signal

from tests.chaos.ground import Redis
from tests.chaos.scenarios.scenario import Scenario, until_over
from tests.chaos.stage import Stage

FROZEN_SECONDS = 3.0


async def redis_killed(run: Stage) -> None:
    """Killed, away for a while, and then an empty one on the same address."""
    assert run.redis
    async for _ in until_over(run):
        await run.pause(0.5, 1.0)
        began = run.clock()
        await asyncio.to_thread(run.redis.kill)
        run.kills += 1
        await run.recovered(began)  # nothing waits for Redis
        await run.pause(0.5, 3.0)
        await asyncio.to_thread(run.redis.replace)
        await run.recovered()


async def redis_flushed(run: Stage) -> None:
    """FLUSHALL, and every connection to it cut."""
    assert run.redis
    async for _ in until_over(run):
        await run.pause(0.3, 1.0)
        await asyncio.to_thread(run.redis.command, "FLUSHALL")
        if run.dice.random() < 0.5:
            for bell in run.bells:
                bell.cut()
        run.kills += 1
        await run.recovered()


async def redis_frozen(run: Stage) -> None:
    """SIGSTOP: it keeps its connections and answers nothing."""
    assert run.redis
    async for _ in until_over(run):
        await run.pause(0.5, 1.0)
        began = run.clock()
        run.redis.signal(signal.SIGSTOP)
        run.kills += 1
        try:
            await run.recovered(began)  # while it is frozen
            await asyncio.sleep(max(0.0, FROZEN_SECONDS - (run.clock() - began)))
        finally:
            run.redis.signal(signal.SIGCONT)
        await run.recovered()


async def failed_over(run: Stage) -> None:
    """The address leads to another, empty Redis from one moment to the next; the old one lives on and is asked no more."""
    others: list[Redis] = []
    try:
        async for _ in until_over(run):
            await run.pause(0.5, 1.5)
            others.append(await asyncio.to_thread(Redis().start))
            for bell in run.bells:
                bell.target = others[-1].port
                bell.cut()
            run.kills += 1
            await run.recovered()
        for bell in run.bells:
            bell.target = run.redis.port if run.redis else 0
            bell.cut()
    finally:
        for other in others:
            other.stop()


async def doorbells_dropped(run: Stage) -> None:
    """Three of ten things that one process tells the others never arrive."""
    for bell in run.bells:
        bell.faults.drop = 0.3
    async for _ in until_over(run):
        await run.recovered()
        await asyncio.sleep(0.5)
    run.kills = run.figures["doorbells_dropped"] = sum(bell.dropped for bell in run.bells)
    if not run.kills:
        run.complaints.append("no doorbell was dropped")


SCENARIOS = (
    Scenario("redis_killed", redis_killed, least=8),
    Scenario("redis_flushed", redis_flushed),
    Scenario("redis_frozen", redis_frozen, least=8),
    Scenario("redis_failed_over", failed_over),
    Scenario("doorbells_dropped", doorbells_dropped),
)
