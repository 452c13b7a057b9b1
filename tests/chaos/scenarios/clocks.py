"""Servers whose wall clocks jump, apart from each other and from the database's."""

import asyncio
import json
from collections.abc import Callable

from tests.chaos.cast import Cast, spare_of
from tests.chaos.person import Person
from tests.chaos.scenarios.order import count_acts
from tests.chaos.scenarios.scenario import Scenario, until_over
from tests.chaos.setting import Setting
from tests.chaos.stage import Stage, guest_of

STEPS = (3_600.0, 90.0, 600.0)  # seconds that a clock is wrong by
GONE_SECONDS = 20.0  # after which agents have heard that a visitor left
FLOOD = 240  # lines at once: a visitor may say 200, and then 20 a second


async def clock_steps(run: Stage) -> None:
    """A clock is put ahead, back beyond the truth, and right again; meanwhile a visitor comes and goes, and limits are met."""
    async for turn in until_over(run):
        clock, size = run.dice.choice(run.clocks), STEPS[turn % len(STEPS)]
        for ahead, act in ((size, come_and_go), (-size, meet_a_limit), (0.0, None)):
            clock.step(ahead)
            run.kills += 1
            await run.recovered()
            if act and turn == 0:
                await act(run, run.dice.choice(run.casts))
    steps = run.kills
    count_acts(run)
    run.kills = run.figures["steps"] = steps


async def come_and_go(run: Stage, cast: Cast) -> None:
    """A visitor comes and leaves, and the agents see both: nobody's presence hangs on a wall clock."""
    guest = guest_of(run, cast, spare_of(cast))
    life = asyncio.create_task(guest.live())
    agents = [one for one in run.people if one.log.kind == "agent" and one.log.tenant == cast.ref.slug]
    try:
        await until(lambda: guest.proved > 0)
        marks = [len(agent.log.heard) for agent in agents]
    finally:
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
    if not await until(lambda: all(_heard_gone(agent, mark, guest) for agent, mark in zip(agents, marks, strict=True))):
        run.complaints.append(f"{GONE_SECONDS} s after {guest.log.name} left they still are here for an agent")


def _heard_gone(agent: Person, mark: int, guest: Person) -> bool:
    """Whether the agent heard that they are off, or was welcomed since by a list without them."""
    fresh = [json.loads(text) for text in agent.log.heard[mark:] if text.startswith('{"t":"presence"')]
    listed = [one for frame in fresh for one in frame.get("visitors", []) if one["id"] == guest.log.person]
    return bool(listed and not listed[-1]["on"]) or (not listed and any(_is_whole(frame) for frame in fresh))


def _is_whole(frame: dict[str, object]) -> bool:
    """The list that comes with a welcome, which has the number of agents beside it."""
    return "visitors" in frame and "agents" in frame


async def meet_a_limit(run: Stage, cast: Cast) -> None:
    """A visitor says more than they may. They are refused for a little while; in the end all of it is taken."""
    person = next(one for one in run.people if one.log.tenant == cast.ref.slug and one.log.kind == "visitor")
    before = sum("rate_limited" in text for text in person.log.heard)
    for _ in range(FLOOD):
        await person.say_line(person.log.rooms[0])
    await run.recovered(people=[person])
    run.figures["refused"] = sum("rate_limited" in text for text in person.log.heard) - before
    if not run.figures["refused"]:
        run.complaints.append("nobody met a limit")


async def until(holds: Callable[[], bool]) -> bool:
    """Wait for it; whether it came."""
    try:
        async with asyncio.timeout(GONE_SECONDS):
            while not holds():
                await asyncio.sleep(0.1)
    except TimeoutError:
        return False
    return True


SCENARIOS = (Scenario("clock_steps", clock_steps, Setting(spare=1, kept=True, clocks=True), least=14, quiet=True),)
