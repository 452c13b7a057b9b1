"""Fan-out over two processes that hear of each other through Redis."""

from bench.crowd import Crowd
from bench.measure import Bench, Comparison, Contest, Figures, Phase, Sample, rows, runs, take_turns
from bench.peers import node_peers

TITLE = "Fan-out: two processes"
ROOM = Crowd("two-processes", rooms=1, size=1_000, senders=200)
BUSY, LONE = Phase("8 in flight", window=8), Phase("one at a time", window=1)

HOW = f"""\
The room of {ROOM.size:,} again, half of its sockets on each of two server processes; each message reaches the other half
through Redis. Beside it socket.io, which does the same with its Redis adapter. The CPU time is that of both processes
together. (With two cores for two servers, Redis, PostgreSQL and the load generator, this shows what the second process costs,
not what it adds.)
"""


def measure(bench: Bench) -> Figures:
    """Ours and socket.io."""
    sides = ROOM.sides(bench, [node_peers.SOCKET_IO], processes=2)
    samples = take_turns(bench, Contest(sides, (BUSY, LONE), readers=ROOM.size, rounds=bench.plan.few))
    return Figures(rows(_comparisons(), samples), runs(samples))


def _comparisons() -> list[Comparison]:
    def rate(sample: Sample) -> float:
        return sample.rate

    def per_second(sample: Sample) -> float:
        return sample.per_server_second

    name, peer = f"2 processes, room of {ROOM.size:,}", node_peers.SOCKET_IO
    return [
        Comparison(f"{name}, {BUSY.name}", "deliveries/s", rate, peer, BUSY.name),
        Comparison(f"{name}, {LONE.name}", "deliveries/s", rate, peer, LONE.name),
        Comparison(f"{name}, {BUSY.name}, server CPU", "deliveries/CPU-s", per_second, peer, BUSY.name),
    ]
