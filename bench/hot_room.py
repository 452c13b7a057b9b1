"""Durable sends into one hot room: everybody waits for the same lock, and everybody reads everything."""

from functools import partial

from bench import ours
from bench.measure import OURS, Bench, Comparison, Contest, Figures, Phase, Sample, rows, runs, take_turns
from bench.peers import node_peers
from bench.report import Goal

TITLE = "Durable sends: one hot room"
READERS = 128
BUSY = Phase(f"{READERS} in flight", window=READERS, most=150 * READERS)  # see durable.py
NAME = f"durable sends into one room with {READERS} readers"

HOW = f"""\
{READERS} sockets in one room send in turn, {READERS} messages are in flight at any time, and each reaches all {READERS}. The
promises are those of the benchmark before; the room's numbers have no holes, so that its messages are stored one after the
other. Ours stores what waits for the room in one transaction. A message is {READERS} deliveries.
"""


def measure(bench: Bench) -> Figures:
    """Ours and node."""
    (tenant,) = ours.Tenant.seeded(bench.services, [{"slug": "hot-room", "visitors": READERS, "community": 1}])
    mine = [tenant.visitor(number, room=tenant.community[0], writes=True) for number in range(READERS)]
    theirs = node_peers.pg_clients([0] * READERS, senders=READERS)
    sides = {
        OURS: partial(ours.serve, bench.services, clients=mine),
        node_peers.WS_PG: partial(node_peers.serve_ws_pg, bench.services, clients=theirs, rooms=1),
    }
    samples = take_turns(bench, Contest(sides, (BUSY,), readers=READERS, rounds=bench.plan.rounds))
    return Figures(rows(_comparisons(), samples), runs(samples))


def _comparisons() -> list[Comparison]:
    def messages(sample: Sample) -> float:
        return sample.rate / READERS

    def per_second(sample: Sample) -> float:
        return sample.per_server_second / READERS

    return [
        Comparison(NAME, "messages/s", messages, node_peers.WS_PG, BUSY.name, Goal("times", 3)),
        Comparison(f"{NAME}, server CPU", "messages/CPU-s", per_second, node_peers.WS_PG, BUSY.name),
    ]
