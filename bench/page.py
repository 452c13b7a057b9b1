"""RESULTS.md, for someone who wants to know what the figures mean before they believe them."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Figures, Plan
from bench.report import Row, table

CAUSES = Path(__file__).parent / "causes.toml"
NOT_YET = "not looked into yet (`py-spy record -p <the server's process>` while it runs, then a line in `bench/causes.toml`)."

HOW = """\
*Beside* names what was measured in the same go, and *theirs* is its figure. *Ratio* says how many times better ours is: more is
better, also where less of the unit is. A target with an `x` is for the ratio, one without for our own figure.

All sides of a row were measured in turn, each time with a fresh server, by the same load generator (`bench/load/`, in C) on the
same machine, which the load generator and the services shared; a row is the median of its runs. Other machines give other
figures; the ratios travel better, and those of CPU time best where others use the machine, too. A run in which a message was
lost, doubled or refused, or a socket was cut off, gives no figure.

Ours is the server as shipped, `python -m saas.serve`: one process, PostgreSQL and Redis beside it. Everyone is signed in with
a token; origins and limits are checked; each message is committed with its number and its usage row before it is acknowledged
and delivered. `bench/README.md` says how to run it again.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """One section, measured."""

    title: str
    how: str
    figures: Figures


def page(results: Sequence[Result], plan: Plan, machine: Mapping[str, str], notes: Sequence[str]) -> str:
    """The whole page."""
    rows = [row for result in results for row in result.figures.rows]
    return "\n".join(
        part
        for part in (
            "# Benchmarks\n",
            _opening(rows, machine),
            f"## Targets\n\n{table([row for row in rows if row.goal is not None])}\n",
            _missed(rows),
            _without(notes),
            f"## How to read it\n\n{HOW}",
            f"## Everything that was measured\n\n{table(rows)}\n",
            _measured_on(plan, machine),
            *(f"## {result.title}\n\n{result.how}\n{result.figures.runs}\n" for result in results),
        )
        if part
    )


def _opening(rows: Sequence[Row], machine: Mapping[str, str]) -> str:
    verdicts = [row.is_met for row in rows if row.goal is not None]
    reached = f"{sum(map(bool, verdicts))} of {len(verdicts)} targets are reached."
    where = f"on {machine['processor']}" if "processor" in machine else ""
    return f"Measured by `make bench` {machine['date']} {where}. {reached} The same figures are in `results.json`.\n"


def _missed(rows: Sequence[Row]) -> str:
    missed = [row for row in rows if row.is_met is False and row.is_whole]
    if not missed:
        return ""
    causes = tomllib.loads(CAUSES.read_text())
    found = ((_name(row), causes.get(_name(row)) or causes.get(row.name, NOT_YET)) for row in missed)
    lines = (f"- **{name}**: {' '.join(cause.split())}\n" for name, cause in found)
    return "## Targets that are missed, and where the time goes\n\n" + "".join(lines)


def _name(row: Row) -> str:
    """Of a row that has namesakes beside other peers."""
    return f"{row.name}, beside {row.beside}" if row.beside else row.name


def _without(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    return "## Not measured as it was meant to be\n\n" + "".join(f"- {' '.join(note.split())}\n" for note in notes)


def _measured_on(plan: Plan, machine: Mapping[str, str]) -> str:
    lines = "".join(f"- {name}: {value}\n" for name, value in machine.items())
    return (
        f"Up to {plan.many} runs of each side, {plan.seconds:g} s each after {plan.warm_up:g} s of warming up, by `make bench` "
        f"(`.venv/bin/python -m bench`) on:\n\n{lines}"
    )
