"""Plays one scenario from its seed: stage, faults, calm, checker."""

import asyncio
import random
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.chaos.flaws import Flaw
from tests.chaos.ground import Ground
from tests.chaos.scenarios.scenario import Scenario
from tests.chaos.stage import PATIENCE, Stage, stage
from tests.chaos.verdict import Verdict

LOOK_SECONDS: Final = 0.5  # between two looks whether enough was found
STUCK: Final = 3  # times the patience: a script that takes so much longer than it was given is stuck


@dataclass
class Played:
    """What became of a run."""

    seed: int
    seconds: float
    verdict: Verdict
    calm: bool
    kills: int
    recoveries: list[float]
    figures: dict[str, Any] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    loud: list[str] = field(default_factory=list)  # the last loud lines of the servers' logs, to be read beside a failure

    @property
    def is_clean(self) -> bool:
        return self.verdict.is_clean and self.calm and not self.complaints

    def row(self) -> dict[str, Any]:
        """As it is published."""
        return {
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            **self.verdict.totals(),
            "unanswered": self.verdict.counts["unanswered"],
            "kills": self.kills,
            "recovery_seconds": round(max(self.recoveries, default=0.0), 2),
            **self.figures,
        }

    def report(self) -> str:
        """What is wrong, in words."""
        lines = [f"{check}: {words}" for check, found in self.verdict.findings.items() for words in found[:5]]
        calm = [] if self.calm else ["no calm: something was never answered, or never seen"]
        return "\n".join([f"seed {self.seed}: {self.row()}", *calm, *self.complaints, *lines, *self.loud])


def new_seed() -> int:
    """To be printed, so that it can be played again."""
    return random.SystemRandom().randrange(2**32)


async def play(
    scenario: Scenario,
    ground: Ground,
    *,
    seed: int,
    seconds: float,
    mutant: str = "",
    flaws: Sequence[Flaw] = (),
    patience: float = PATIENCE,
    enough: Sequence[str] = (),
) -> Played:
    """Play the scenario for `seconds` of faults. Raises what broke the harness itself; findings are in the result.

    With `enough` the run ends, without calm, as soon as each of these checks has a finding.
    """
    seconds = max(seconds, scenario.least)
    async with stage(ground, scenario.setting, seed=seed, seconds=seconds, mutant=mutant, flaws=flaws) as run:
        began = run.clock()
        ways = [harmed(run, scenario, patience), *([found(run, enough)] if enough else [])]
        calm = await first_of(ways)
        verdict = await run.judge()
        run.complaints += ended(run)
        loud = [line for worker in run.workers for line in worker.complaints()[-3:]]
        if scenario.quiet and loud:
            run.complaints.append("a server's log holds an error, though only its peers were harmed")
        return Played(seed, run.clock() - began, verdict, calm, run.kills, run.recoveries, run.figures, run.complaints, loud)


async def harmed(run: Stage, scenario: Scenario, patience: float) -> bool:
    """The faults and what comes after them; whether all came right."""
    try:
        async with asyncio.timeout(run.seconds + STUCK * patience):
            await run.recovered()
            run.recoveries.clear()
            await scenario.script(run)
    except TimeoutError:
        run.complaints.append("the script did not come to its end: somebody was never served again")
    return await run.calm(patience)


async def found(run: Stage, checks: Sequence[str]) -> bool:
    """Wait until each of the checks has a finding. Nothing came right: False."""
    while not all(run.so_far().counts[check] for check in checks):
        await asyncio.sleep(LOOK_SECONDS)
    run.found_enough = True
    return False


async def first_of(ways: Sequence[Coroutine[Any, Any, bool]]) -> bool:
    """What the first of them that ends says; the others are cancelled."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def ended(run: Stage) -> list[str]:
    """Who of the people, or of those who keep order, was ended by an error of the harness, which nobody else would see."""
    over = [life for life in run.lives if life.done() and not life.cancelled()]
    return [f"{life.get_name()} ended: {life.exception()!r}" for life in over if life.exception()]
