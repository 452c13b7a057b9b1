"""How long a message takes when the server is not pressed: a steady pace."""

from functools import partial

from bench import durable, ours
from bench.measure import OURS, Bench, Comparison, Contest, Figures, Phase, Sample, rows, runs, take_turns
from bench.peers import node_peers
from bench.report import Goal

TITLE = "Latency at 500 messages a second"
PACE = Phase("500 messages/s", rate=500)
NAME = "send to delivery at 500 messages/s"

HOW = f"""\
The rooms and the promises of the durable sends, at a steady {PACE.rate:g} messages a second instead of as many as go: from
the moment at which the load generator writes a message to the one at which it has read its delivery, which comes after the
commit.
"""


def measure(bench: Bench) -> Figures:
    """Ours and node."""
    theirs = node_peers.pg_clients(range(durable.SENDERS), senders=durable.SENDERS)
    sides = {
        OURS: partial(ours.serve, bench.services, clients=durable.clients(bench, "latency")),
        node_peers.WS_PG: partial(node_peers.serve_ws_pg, bench.services, clients=theirs, rooms=durable.SENDERS),
    }
    samples = take_turns(bench, Contest(sides, (PACE,), readers=1, rounds=bench.plan.few))
    return Figures(rows(_comparisons(), samples), runs(samples))


def _comparisons() -> list[Comparison]:
    def p50(sample: Sample) -> float:
        return sample.run.p50_ms

    def p99(sample: Sample) -> float:
        return sample.run.p99_ms

    return [
        Comparison(f"{NAME}, p50", "ms", p50, node_peers.WS_PG, PACE.name, Goal("at_most", 5), less_is_better=True),
        Comparison(f"{NAME}, p99", "ms", p99, node_peers.WS_PG, PACE.name, Goal("at_most", 25), less_is_better=True),
    ]
