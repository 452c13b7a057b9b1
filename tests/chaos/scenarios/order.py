"""Community rooms in which somebody keeps order while everybody talks."""

import asyncio

from tests.chaos.doorbells import Orders
from tests.chaos.scenarios.scenario import Scenario, until_over
from tests.chaos.setting import Setting
from tests.chaos.stage import Stage

FOUND_SECONDS = 30.0  # a beat comes every 25 s, and may wait 4 s for the database
TALK_SECONDS = 4.0  # in which something is said that the banned would hear
NEEDED = {"ban", "mute", "lock", "slow", "pin", "report"}


async def moderation(run: Stage) -> None:
    """People are muted, banned, slowed down and locked out, and what they said is deleted, pinned and reported."""
    async for _ in until_over(run):
        await run.recovered()
        await asyncio.sleep(0.5)
    count_acts(run)
    for keeper in run.keepers:
        if missing := NEEDED - keeper.counts.keys():
            run.complaints.append(f"nobody tried to {', '.join(sorted(missing))}")


def count_acts(run: Stage) -> None:
    """What the keepers did, as figures."""
    for name in sorted(NEEDED):
        run.figures[f"{name}s"] = sum(keeper.counts.get(name, 0) for keeper in run.keepers)
    run.kills = sum(sum(keeper.counts.values()) for keeper in run.keepers)


async def bans_unheard(run: Stage) -> None:
    """No order that ends a place in a room reaches another process; who was banned is found there at the next beat."""
    for keeper in run.keepers:
        await keeper.lift()
        keeper.bound = FOUND_SECONDS
    for bell in run.bells:
        bell.faults.drop = 1.0
    for keeper in run.keepers:
        for person in keeper.members:
            await keeper.put_out(person)
    await asyncio.sleep(FOUND_SECONDS + TALK_SECONDS)
    for keeper in run.keepers:
        await keeper.lift()
    run.kills = run.figures["orders_lost"] = sum(bell.dropped for bell in run.bells)
    if not run.kills:
        run.complaints.append("no order was lost")
    await run.recovered()


SCENARIOS = (
    Scenario("moderation", moderation, Setting(visitors=4, kept=True, prompt=True), least=12, quiet=True),
    Scenario("bans_unheard", bans_unheard, Setting(kept=True, bells=Orders), least=FOUND_SECONDS + TALK_SECONDS, quiet=True),
)
