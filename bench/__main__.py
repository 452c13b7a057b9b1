"""`python -m bench`: runs the benchmarks, prints them, and writes results.json and RESULTS.md.

`--quick` takes one short look and writes nothing.
"""

import argparse
import contextlib
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

from bench import fan_out, machine, ours, peer
from bench.load import build
from bench.page import page, verdict
from bench.report import table, write
from bench.services import services

FULL = fan_out.Plan(rounds=3, seconds=10, warm_up=2)
QUICK = fan_out.Plan(rounds=1, seconds=3, warm_up=1)


def main() -> None:
    """All of it; about three minutes, or half a one with `--quick`. Ends with `CannotMeasure` where a figure would be wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Porchlight beside a plain Channels consumer.")
    parser.add_argument("--quick", action="store_true", help="one short run of each side; nothing is written")
    plan = QUICK if parser.parse_args().quick else FULL
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the servers end with us, and their data
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="porchlight-bench-")))
        folder.chmod(0o755)  # as root, PostgreSQL's account must enter it
        program = build(folder)
        running = stack.enter_context(services(folder))
        cast = ours.Cast.seeded(running, visitors=fan_out.SOCKETS)
        sides = [
            partial(ours.serve, running, cast, senders=fan_out.SENDERS),
            partial(peer.serve, running, sockets=fan_out.SOCKETS, senders=fan_out.SENDERS),
        ]
        ours_samples, peer_samples = fan_out.measure(program, sides, plan)
    rows = fan_out.rows(ours_samples, peer_samples)
    print(f"\n{table(rows)}\n\n{verdict(rows[0])}")
    if plan is FULL:
        write(rows, page(rows, [ours_samples, peer_samples], plan, machine.describe()))


if __name__ == "__main__":
    main()
