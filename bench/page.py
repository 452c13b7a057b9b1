"""RESULTS.md, for someone who wants to know what the figures mean before they believe them."""

from collections.abc import Sequence

from bench.fan_out import SENDERS, SHAPE, SOCKETS, TARGET, Plan, Sample
from bench.report import Row, table

HOW = f"""\
Each row is the median of the runs below. `ratio` says how many times better Porchlight is: more is better, also where less of
the unit is. Both sides were measured in this one run, in turn and each time with a fresh server, by the same load generator
(`bench/load/`, C) on the same machine, which the load generator and the services shared. Other machines give other figures; the
ratios travel better.

**What is sent.** {SOCKETS:,} sockets are in one room of one server process. {SHAPE.window} messages are in flight at any time,
from {SENDERS} senders in turn, with {SHAPE.size} bytes of text each. Every message must reach every socket once, or the run
does not count.

**Ours** is the server as shipped, `python -m saas.serve`: one process, PostgreSQL and Redis beside it. The room is a community
room of a site. Each socket is another visitor's, signed in with a token; origins and limits are checked; each message is
committed with its number and its usage row before it is acknowledged and delivered, and told to other processes through Redis.

**The peer**, `bench/peers/plain_consumer.py`, is a room as most tutorials for Channels have it: a channel and a group membership
per socket, the list-based Redis layer, served by daphne. It signs nobody in, stores nothing and limits nothing; it says less with
each message, too ({{peer_bytes}} bytes on the wire for {{our_bytes}}). All of that is in its favour.

**Server CPU** is the CPU time of the server process alone, and says how many such processes a core carries; the row below it adds
what Redis and PostgreSQL used. **Sockets opened and joined** are from the connection to the answer that the room is joined: for
ours with sign-in, the list of rooms and the room's history. **Memory** is the growth of the server process by its open sockets.
"""


def page(rows: Sequence[Row], sides: Sequence[Sequence[Sample]], plan: Plan, machine: dict[str, str]) -> str:
    """The whole page."""
    parts = [
        "# Benchmarks\n\nWritten by `make bench`; the same figures are in `results.json`.\n",
        table(rows) + "\n",
        verdict(rows[0]) + "\n",
        "## How to read it\n\n" + _how(sides),
        f"## The runs\n\n{plan.seconds:g} s each, after {plan.warm_up:g} s of warming up.\n\n{_runs(sides)}\n",
        "## The machine\n\n" + "".join(f"- {name}: {value}\n" for name, value in machine.items()),
    ]
    return "\n".join(parts)


def verdict(row: Row) -> str:
    """Whether the target is reached, in a sentence."""
    reached = "reached" if row.ratio >= TARGET else "missed"
    return f"Target: at least {TARGET:g} times the deliveries of the peer. It is {reached}: {row.ratio:.1f} times."


def _how(sides: Sequence[Sequence[Sample]]) -> str:
    ours, peer = (samples[0].run.bytes // samples[0].run.delivered for samples in sides)
    return HOW.format(our_bytes=ours, peer_bytes=peer) + "\n"


def _runs(sides: Sequence[Sequence[Sample]]) -> str:
    head = "| Side | deliveries/s | p50 ms | p99 ms | server CPU s | Redis, PostgreSQL CPU s | delivered |"
    return "\n".join(
        [head, "|---|--:|--:|--:|--:|--:|--:|", *(_run(sample) for taken in zip(*sides, strict=True) for sample in taken)]
    )


def _run(sample: Sample) -> str:
    run = sample.run
    figures = (
        f"{run.rate:,.0f}",
        f"{run.p50_ms:,.0f}",
        f"{run.p99_ms:,.0f}",
        f"{sample.server_cpu:.2f}",
        f"{sample.behind_cpu:.2f}",
    )
    return f"| {sample.side} | {' | '.join(figures)} | {run.delivered:,} |"
