"""All scenarios one after the other, then every mutant, and the page of results."""
# ruff: noqa: T201 - this is what `make chaos` shows

import asyncio
import json
import os
import platform
from datetime import UTC, datetime
from typing import Any, Final

from saas.up.database import ROOT
from saas.up.redis import HOW_TO, find_program
from tests.chaos.ground import Ground, ground
from tests.chaos.mutation import MUTANTS, hunt
from tests.chaos.play import Played, new_seed, play
from tests.chaos.scenarios import SCENARIOS

RESULTS: Final = ROOT / "tests/chaos/results.json"
SECONDS: Final = 27.0  # of faults in each scenario: with starts, calm and mutants it is ten minutes in all
TOTALS: Final = ("acked", "lost", "doubled", "disordered", "foreign")


def main() -> int:
    """Run what the environment asks for; 0 when nothing was found and every mutant was."""
    with ground() as made:
        return asyncio.run(_run(made))


async def _run(made: Ground) -> int:
    chosen = [name for name in os.environ.get("CHAOS_SCENARIO", "").split(",") if name]
    if unknown := set(chosen) - SCENARIOS.keys():
        print(f"There is no scenario {', '.join(sorted(unknown))}. There are: {', '.join(SCENARIOS)}")
        return 2
    rows, clean = await _scenarios(made, chosen or list(SCENARIOS))
    if chosen:
        return 0 if clean else 1
    mutants = await _mutants(made)
    results = page(rows, mutants)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps({key: results[key] for key in (*TOTALS, "mutants_caught", "mutants")}))
    return 0 if clean and results["mutants_caught"] == results["mutants"] else 1


async def _scenarios(made: Ground, names: list[str]) -> tuple[dict[str, dict[str, Any]], bool]:
    seconds = float(os.environ.get("CHAOS_SECONDS", SECONDS))
    rows: dict[str, dict[str, Any]] = {}
    clean = True
    for name in names:
        seed = int(os.environ.get("CHAOS_SEED", 0)) or new_seed()
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


async def _mutants(made: Ground) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for mutant in MUTANTS.values():
        if SCENARIOS[mutant.scenario].setting.workers > 1 and find_program() is None:
            print(f"mutant {mutant.name}: SKIPPED: no Redis server: {HOW_TO}")
            continue
        seed = new_seed()
        caught = await hunt(mutant, made, seed=seed)
        found[mutant.name] = {"scenario": mutant.scenario, "seed": seed, **caught}
        print(f"mutant {mutant.name}: {'caught' if caught['caught'] else 'NOT CAUGHT'}: {caught['finding']}", flush=True)
    return found


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
