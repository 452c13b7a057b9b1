"""`python -m bench`: runs the benchmarks, prints them, and writes results.json and RESULTS.md.

`--quick` takes one short look and writes nothing.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import durable, fan_out, machine
from bench.load import build
from bench.measure import Plan, measure
from bench.ours import Cast
from bench.page import Result, page, summary
from bench.report import write
from bench.services import services

FULL = Plan(rounds=3, seconds=6, warm_up=2)
QUICK = Plan(rounds=1, seconds=3, warm_up=1)
BENCHMARKS = (fan_out, durable)


def main() -> None:
    """All of it; about four minutes, or one with `--quick`. Ends with `CannotMeasure` where a figure would be wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Porchlight beside plain Channels consumers.")
    parser.add_argument("--quick", action="store_true", help="one short run of each side; nothing is written")
    plan = QUICK if parser.parse_args().quick else FULL
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the servers end with us, and their data
    before = machine.describe()
    with tempfile.TemporaryDirectory(prefix="porchlight-bench-") as folder:
        results = run(Path(folder), plan)
    print(f"\n{summary(results)}")
    if plan is FULL:
        write([row for result in results for row in result.rows], page(results, plan, before))


def run(folder: Path, plan: Plan) -> Sequence[Result]:
    """Every benchmark, on services that live in `folder`."""
    folder.chmod(0o755)  # as root, PostgreSQL's account must enter it
    program, results = build(folder), []
    with services(folder) as running:
        cast = Cast.seeded(running, visitors=fan_out.SOCKETS, support=durable.ROOMS)
        for benchmark in BENCHMARKS:
            print(f"\n{benchmark.TITLE}", flush=True)
            sides = measure(program, benchmark.sides(running, cast), benchmark.SHAPE, plan)
            results.append(Result(benchmark.TITLE, benchmark.HOW, benchmark.rows(sides), sides))
    return results


if __name__ == "__main__":
    main()
