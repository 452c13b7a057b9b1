"""Which scenario catches which mutant, and by what finding."""

from dataclasses import dataclass, replace
from typing import Any, Final

from tests.chaos.ground import Ground
from tests.chaos.play import Played, play
from tests.chaos.scenarios import SCENARIOS

SECONDS: Final = 4.0  # of faults
PATIENCE: Final = 8.0  # seconds in which nothing changes any more: a mutant need not come right


@dataclass(frozen=True)
class Mutant:
    """A defect of `mutants.py`. It is caught when the scenario ends with at least one finding of this check."""

    name: str
    scenario: str
    check: str  # of the checker, or `unbounded`: what waits for a slow reader grows beyond its bound


MUTANTS: Final = {
    one.name: one
    for one in (
        Mutant("ack_before_commit", "kill_all_workers", "lost"),
        Mutant("no_dedupe", "sockets_cut", "doubled"),
        Mutant("resume_by_id", "sockets_cut", "lost"),
        Mutant("no_tenant_reset", "sockets_cut", "foreign"),
        Mutant("no_gap_repair", "doorbells_dropped", "lost"),
        Mutant("no_send_bound", "slow_readers", "unbounded"),
    )
}


async def hunt(mutant: Mutant, ground: Ground, *, seed: int) -> dict[str, Any]:
    """Play the mutant's scenario against it; whether it was caught, and the finding that did."""
    scenario = replace(SCENARIOS[mutant.scenario], least=0.0)
    played = await play(scenario, ground, seed=seed, seconds=SECONDS, mutant=mutant.name, patience=PATIENCE)
    finding = finding_of(mutant.check, played)
    return {"check": mutant.check, "caught": bool(finding), "finding": finding}


def finding_of(check: str, played: Played) -> str:
    """The first finding of that kind, in words; empty if there is none."""
    if check == "unbounded":
        return next((words for words in played.complaints if "has no bound" in words), "")
    found = played.verdict.findings.get(check, [])
    return f"{played.verdict.counts[check]} {check}, such as: {found[0]:.300}" if found else ""
