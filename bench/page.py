"""RESULTS.md, for someone who wants to know what the figures mean before they believe them."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.measure import Plan, Sample
from bench.report import Row, table

HOW = """\
Each row is the median of the runs below. *Ratio* says how many times better Porchlight is: more is better, also where less of
the unit is. Both sides were measured in one go, in turn and each time with a fresh server, by the same load generator
(`bench/load/`, in C) on the same machine, which the load generator and the services shared. Other machines give other figures;
the ratios travel better, and those of CPU time best where others use the machine, too. A run in which a message was lost,
doubled or refused, or a socket was cut off, gives no figure.

Ours is the server as shipped, `python -m saas.serve`: one process, PostgreSQL and Redis beside it. Everyone is signed in with a
token; origins and limits are checked; each message is committed with its number and its usage row before it is acknowledged and
delivered, and told to other processes through Redis.
"""
COLUMNS = (
    "side",
    "delivered/s",
    "p50 ms",
    "p99 ms",
    "server CPU s",
    "Redis, PostgreSQL CPU s",
    "bytes per delivery",
    "delivered",
)


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark, measured."""

    title: str
    how: str
    rows: Sequence[Row]
    sides: Sequence[Sequence[Sample]]


def page(results: Sequence[Result], plan: Plan, machine: dict[str, str]) -> str:
    """The whole page."""
    return "\n".join(
        [
            "# Benchmarks\n\nWritten by `make bench`; the same figures are in `results.json`.\n",
            summary(results) + "\n",
            "## How to read it\n\n" + HOW,
            *(_section(result) for result in results),
            f"## The runs\n\n{plan.rounds} of each side, {plan.seconds:g} s each after {plan.warm_up:g} s of warming up, on:\n",
            "".join(f"- {name}: {value}\n" for name, value in machine.items()),
        ]
    )


def summary(results: Sequence[Result]) -> str:
    """The table of all rows, and what became of the targets."""
    rows = [row for result in results for row in result.rows]
    return "\n".join([table(rows), "", *(_verdict(row, row.target) for row in rows if row.target is not None)])


def _verdict(row: Row, target: float) -> str:
    reached = "reached" if row.ratio >= target else "missed"
    return f"- {row.name}: the target of {target:g}x is {reached}."


def _section(result: Result) -> str:
    head = f"| {' | '.join(COLUMNS)} |\n|---{'|--:' * (len(COLUMNS) - 1)}|"
    lines = [_run(sample) for turn in zip(*result.sides, strict=True) for sample in turn]
    return "\n".join([f"## {result.title}\n\n{result.how}", head, *lines, ""])


def _run(sample: Sample) -> str:
    run = sample.run
    latency = f"{run.p50_ms:,.0f} | {run.p99_ms:,.0f}"
    cpu = f"{sample.server_cpu:.2f} | {sample.behind_cpu:.2f}"
    return f"| {sample.side} | {run.rate:,.0f} | {latency} | {cpu} | {run.bytes // run.delivered} | {run.delivered:,} |"
