"""`python -m bench`: runs the benchmarks, prints them, and writes results.json and RESULTS.md.

`--only fan_out,durable` runs some of the sections; with `--record` their figures take the place of those that are written, and
say of what moment they are. `--quick` takes one short look at smaller sizes and writes nothing. What fails has a row that says
so, and the rest goes on; the status is 1 then.
"""

import argparse
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from bench import (
    billing,
    config,
    console,
    disabled,
    durable,
    fan_out,
    history,
    hot_room,
    idle,
    latency,
    machine,
    migrations,
    neighbour,
    restart,
    rooms,
    two_processes,
)
from bench.kept import again, kept
from bench.load import SOURCES, CannotMeasure, build
from bench.measure import Bench, Figures, Plan
from bench.page import Result, page
from bench.report import Row, table, write
from bench.services import services

FULL = Plan(rounds=3, few=2, many=5, seconds=3, warm_up=1, minutes=30)
QUICK = Plan(rounds=1, few=1, many=1, seconds=1, warm_up=0.5, minutes=3, shrink=10)
WEB_SOURCES = SOURCES.with_name("web_load")


class Section(Protocol):
    """A benchmark: its heading, what it is, and how it is done."""

    TITLE: str
    HOW: str

    def measure(self, bench: Bench) -> Figures:
        """Take the figures. Raises `CannotMeasure`."""


SECTIONS: dict[str, Section] = {  # what has targets comes first: a slow machine may not come to the last
    "fan_out": fan_out,
    "durable": durable,
    "hot_room": hot_room,
    "latency": latency,
    "config": config,
    "history": history,
    "billing": billing,
    "console": console,
    "disabled": disabled,
    "idle": idle,
    "restart": restart,
    "noisy": neighbour,
    "two_processes": two_processes,
    "rooms": rooms,
    "migrations": migrations,
}


def main() -> None:
    """All of it within half an hour, or four with `--quick`. Ends with 1 if a figure is missing."""
    names, plan, is_recorded = _arguments()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the servers end with us, and their data
    before = machine.describe()
    with tempfile.TemporaryDirectory(prefix="porchlight-bench-") as folder:
        results, notes = run(Path(folder), plan, names)
    before["took"] = f"{(time.monotonic() - began) / 60:.0f} minutes"
    rows = {name: result.figures.rows for name, result in results.items()}
    is_all = plan is FULL and len(names) == len(SECTIONS)
    if is_all:
        write(rows, page(list(results.values()), plan, before, notes))
    elif is_recorded:
        _record(results, before["date"], notes)
    _print(results.values(), notes, runs=not is_all)
    if not all(row.is_whole for some in rows.values() for row in some):
        sys.exit(1)


def _record(measured: Mapping[str, Result], date: str, notes: Sequence[str]) -> None:
    """These sections in the place of what is written of them; all others, and the machine, as they stand there."""
    known = kept({name: section.TITLE for name, section in SECTIONS.items()})
    fresh = {name: again(result, date) for name, result in measured.items()}
    results = {name: fresh.get(name) or known.results[name] for name in SECTIONS if name in fresh or name in known.results}
    rows = {name: result.figures.rows for name, result in results.items()}
    write(rows, page(list(results.values()), FULL, known.machine, [*known.notes, *notes]))


def _print(results: Iterable[Result], notes: Sequence[str], *, runs: bool) -> None:
    """The table; with `runs` also every single one, which stands nowhere else."""
    if runs:
        print("".join(f"\n{result.title}\n\n{result.figures.runs}\n" for result in results))
    print(f"\n{table([row for result in results for row in result.figures.rows])}")
    print("".join(f"\n!! {note}" for note in notes))


def _arguments() -> tuple[Sequence[str], Plan, bool]:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Porchlight beside other chat servers.")
    parser.add_argument("--quick", action="store_true", help="one short run of each side, at smaller sizes; nothing is written")
    parser.add_argument("--only", help=f"sections, with commas: {', '.join(SECTIONS)}; see --record")
    parser.add_argument("--record", action="store_true", help="with --only: put the figures into RESULTS.md and results.json")
    given = parser.parse_args()
    if given.record and (given.quick or not given.only):
        parser.error("--record goes with --only, and not with --quick")
    names = given.only.split(",") if given.only else list(SECTIONS)
    if unknown := set(names) - SECTIONS.keys():
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    return names, QUICK if given.quick else FULL, given.record


def run(folder: Path, plan: Plan, names: Sequence[str]) -> tuple[dict[str, Result], list[str]]:
    """These sections, on services that live in `folder`; and what was not measured as it should be, and why."""
    folder.chmod(0o755)  # as root, PostgreSQL's account must enter it
    load, web_load = build(folder), build(folder, WEB_SOURCES)
    results: dict[str, Result] = {}
    with services(folder) as running:
        bench = Bench(running, load, web_load, plan)
        for name in names:
            section, start = SECTIONS[name], time.monotonic()
            print(f"\n{section.TITLE}", flush=True)
            results[name] = Result(section.TITLE, section.HOW, _figures(section, bench))
            print(f"  ({time.monotonic() - start:.0f} s)", flush=True)
    return results, bench.notes


def _figures(section: Section, bench: Bench) -> Figures:
    """What it measures; where that fails, for whatever reason, a row that has no figure."""
    try:
        bench.check_time()
        return section.measure(bench)
    except CannotMeasure as error:
        bench.note(f"{section.TITLE}: {error}")
    except Exception as error:  # a defect of one section is no reason to lose the others
        traceback.print_exc()
        bench.note(f"{section.TITLE}: {type(error).__name__}")
    return Figures([Row(section.TITLE, "", None)], "No figures.")


if __name__ == "__main__":
    main()
