"""Which scenario catches which mutant, and by what finding.

Mutants whose findings cannot be taken for one another share a run; `CHAOS_MUTANT` plays one of them alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final

from tests.chaos.flaws import Flaw
from tests.chaos.ground import Ground
from tests.chaos.play import Played, play
from tests.chaos.scenarios import SCENARIOS

SECONDS: Final = 4.0  # of faults
PATIENCE: Final = 15.0  # seconds in which nothing changes any more: a mutant need not come right


@dataclass(frozen=True)
class Mutant:
    """A defect of `mutants.py`, or of the tenants' functions. It is caught when the scenario ends with at least one finding of
    this check that says these words.
    """

    name: str
    scenario: str
    check: str  # of the checker, or `complaint`: what the scenario itself finds wrong
    words: str = ""
    flaw: Flaw | None = None
    run: str = ""  # that it shares with others of the same scenario
    seconds: float = SECONDS
    lasting: bool = False  # what it does once stays found: the run ends with the first finding


TWOFOLD: Final = Flaw("reacted", (("WHEN p_on THEN 1", "WHEN p_on THEN 2"),))
KEEPING: Final = Flaw("forget_words", (("'report:' || NEW.id", "'nothing:' || NEW.id"),))
UNNUMBERED: Final = Flaw(
    "amend",
    (("message.changed := room.last_seq + 1", "message.changed := room.last_seq + (p_kind[place] <> 'edit')::integer"),),
)

MUTANTS: Final = {
    one.name: one
    for one in (
        Mutant("ack_before_commit", "kill_all_workers", "lost"),
        Mutant("no_dedupe", "sockets_cut", "doubled", lasting=True),
        Mutant("resume_by_id", "sockets_cut", "lost"),
        Mutant("no_tenant_reset", "sockets_cut", "foreign", lasting=True),
        Mutant("no_gap_repair", "doorbells_dropped", "lost"),
        Mutant("no_send_bound", "slow_readers", "complaint", "has no bound"),
        Mutant("edits_unnumbered", "sockets_cut", "lost", " saw ", flaw=UNNUMBERED),
        Mutant("reactions_count_twice", "moderation", "lost", "the rows say", flaw=TWOFOLD, run="order", seconds=10),
        Mutant("reports_keep_words", "moderation", "foreign", "notification", flaw=KEEPING, run="order", seconds=10),
        Mutant("bans_unsaid", "moderation", "foreign", "was banned", run="order", seconds=10),
        Mutant("notes_for_visitors", "moderation", "foreign", "strange room", run="order", seconds=10),
        Mutant("notices_unsaid", "moderation", "lost", "was not told of", run="order", seconds=10),
        Mutant("http_turned_round", "moderation", "disordered", "said in the order", run="order", seconds=10),
        Mutant("no_second_look", "bans_unheard", "foreign", "was banned", seconds=40),
        Mutant("limits_by_wall_clock", "clock_steps", "complaint", "wait too long", seconds=12),
        Mutant("future_refused", "clock_steps", "complaint", "stop for good", run="clock", seconds=12),
        Mutant("stamped_here", "clock_steps", "complaint", "not in the run", run="clock", seconds=12),
        Mutant("nobody_leaves", "clock_steps", "complaint", "still are here", run="clock", seconds=12),
    )
}


def runs(names: Sequence[str]) -> list[list[Mutant]]:
    """The mutants of these names, those together that share a run."""
    chosen = [MUTANTS[name] for name in names]
    return [list(some) for _run, some in groupby(chosen, key=lambda one: one.run or one.name)]


async def hunt(mutants: Sequence[Mutant], ground: Ground, *, seed: int) -> dict[str, dict[str, Any]]:
    """Play the mutants' scenario against all of them at once; for each whether it was caught, and the finding that did."""
    scenario = replace(SCENARIOS[mutants[0].scenario], least=0.0)
    flaws = [one.flaw for one in mutants if one.flaw]
    defects = ",".join(one.name for one in mutants if not one.flaw)
    seconds = max(one.seconds for one in mutants)
    enough = [one.check for one in mutants] if all(one.lasting for one in mutants) else ()
    played = await play(
        scenario, ground, seed=seed, seconds=seconds, mutant=defects, flaws=flaws, patience=PATIENCE, enough=enough
    )
    return {one.name: verdict_on(one, played) for one in mutants}


def verdict_on(mutant: Mutant, played: Played) -> dict[str, Any]:
    """Whether it was caught, by which check, and the first finding in words."""
    found = played.complaints if mutant.check == "complaint" else played.verdict.findings.get(mutant.check, [])
    signs = [words for words in found if mutant.words in words]
    finding = f"{len(signs)} {mutant.check}, such as: {signs[0]:.300}" if signs else ""
    return {"check": mutant.check, "caught": bool(signs), "finding": finding}
