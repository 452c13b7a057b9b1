"""All scenarios one after the other, then every mutant, and the page of results."""
# ruff: noqa: T201 - this is what `make chaos` shows

import asyncio
import json
import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from saas.up.database import ROOT
from saas.up.redis import HOW_TO, find_program
from tests.chaos.ground import Ground, ground
from tests.chaos.mutation import MUTANTS, Mutant, hunt, runs
from tests.chaos.play import Played, new_seed, play
from tests.chaos.scenarios import SCENARIOS

RESULTS: Final = ROOT / "tests/chaos/results.json"
SECONDS: Final = 14.0  # of faults in each scenario: with starts and calm eleven minutes in all, and seven more for the mutants
LIVES: Final = 3  # of a mutant: one short life may not meet what it needs, such as words that the banned would hear
TOTALS: Final = ("acked", "lost", "doubled", "disordered", "foreign")


def main() -> int:
    """Run what the environment asks for; 0 when nothing was found and every mutant was."""
    with ground() as made:
        return asyncio.run(_run(made))


async def _run(made: Ground) -> int:
    chosen, defects = _asked("CHAOS_SCENARIO", SCENARIOS), _asked("CHAOS_MUTANT", MUTANTS)
    part = bool(chosen or defects)
    rows, clean = await _scenarios(made, chosen if part else list(SCENARIOS))
    mutants = await _mutants(made, defects if part else list(MUTANTS))
    if not part:
        results = page(rows, mutants)
        RESULTS.write_text(json.dumps(results, indent=2) + "\n")
        print(json.dumps({key: results[key] for key in (*TOTALS, "mutants_caught", "mutants")}))
    return 0 if clean and all(mutant["caught"] for mutant in mutants.values()) else 1


def _asked(variable: str, known: Iterable[str]) -> list[str]:
    """The names in an environment variable, with commas between them. Ends the program for one that nobody knows."""
    names = [name for name in os.environ.get(variable, "").split(",") if name]
    if unknown := set(names) - set(known):
        raise SystemExit(f"{variable}: there is no {', '.join(sorted(unknown))}. There are: {', '.join(known)}")
    return names


def _seed() -> int:
    return int(os.environ.get("CHAOS_SEED", 0)) or new_seed()


async def _scenarios(made: Ground, names: list[str]) -> tuple[dict[str, dict[str, Any]], bool]:
    seconds = float(os.environ.get("CHAOS_SECONDS", SECONDS))
    rows: dict[str, dict[str, Any]] = {}
    clean = True
    for name in names:
        seed = _seed()
        print(f"{name}: CHAOS_SCENARIO={name} CHAOS_SEED={seed}", flush=True)
        if SCENARIOS[name].setting.workers > 1 and find_program() is None:
            rows[name] = {"seed": seed, "skipped": f"no Redis server: {HOW_TO}"}
            print(f"  SKIPPED: {rows[name]['skipped']}")
            continue
        played = await play(SCENARIOS[name], made, seed=seed, seconds=seconds)
        rows[name] = played.row()
        clean = _shown(played) and clean
    return rows, clean


def _shown(played: Played) -> bool:
    figures = ", ".join(f"{key} {value}" for key, value in played.row().items() if key != "seed")
    print(f"  {figures}" if played.is_clean else f"  FAILED {played.report()}", flush=True)
    return played.is_clean


async def _mutants(made: Ground, names: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for some in runs(names):
        if SCENARIOS[some[0].scenario].setting.workers > 1 and find_program() is None:
            print(f"mutants {_words(some)}\n  SKIPPED: no Redis server: {HOW_TO}")
            continue
        for life in range(1, LIVES + 1):
            if left := [one for one in some if one.name not in found or not found[one.name]["caught"]]:
                found |= await _hunted(made, left, life)
    return found


async def _hunted(made: Ground, some: list[Mutant], life: int) -> dict[str, dict[str, Any]]:
    seed = _seed()
    print(f"mutants {_words(some)}: CHAOS_MUTANT={_words(some)} CHAOS_SEED={seed}", flush=True)
    found = await hunt(some, made, seed=seed)
    for name, caught in found.items():
        print(f"  {name} {'caught' if caught['caught'] else f'not caught in life {life}'}: {caught['finding']}", flush=True)
    return {name: {"scenario": some[0].scenario, "seed": seed, "lives": life, **caught} for name, caught in found.items()}


def _words(some: list[Mutant]) -> str:
    return ",".join(one.name for one in some)


def page(rows: dict[str, dict[str, Any]], mutants: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What is published: totals first, then each scenario, each mutant, and where and when it was."""
    return {
        **{total: sum(row.get(total, 0) for row in rows.values()) for total in TOTALS},
        "mutants_caught": sum(mutant["caught"] for mutant in mutants.values()),
        "mutants": len(MUTANTS),
        "scenarios": rows,
        "mutants_by_name": mutants,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version()},
    }
