"""Fan-out in rooms of other sizes: very many small ones, some of a hundred, one of ten thousand."""

from bench.crowd import Crowd
from bench.measure import Bench, Comparison, Contest, Figures, Phase, Sample, rows, runs, take_turns
from bench.peers import nchan, node_peers

TITLE = "Fan-out: rooms of 2, 100 and 10,000"
PEERS = (node_peers.SOCKET_IO, nchan.NAME)
SPARE = 1_400  # files that a server has open beside its sockets; nchan has more than a thousand

HOW = """\
As above, in rooms of other sizes, beside socket.io and nchan. The rooms of two are all open at once; there each message is
one of a support room, and at this size storing it is most of what it costs, which the peers do not do. The sockets come from
several loopback addresses. Measured once each, since opening so many sockets takes the time.
"""


def measure(bench: Bench) -> Figures:
    """Each size after the other."""
    shrink = bench.plan.shrink
    pairs = _pairs(bench, 10_000 // shrink)
    crowds = [
        (Crowd("hundreds", rooms=10, size=100, senders=500), Phase("32 in flight", window=32)),
        (Crowd("huge", rooms=1, size=10_000 // shrink, senders=200), Phase("4 in flight", window=4)),
        (Crowd("pairs", rooms=pairs, size=2, senders=pairs), Phase("128 in flight", window=128)),
    ]
    measured = [_one(bench, crowd, phase) for crowd, phase in crowds]
    return Figures([row for figures in measured for row in figures.rows], "\n\n".join(figures.runs for figures in measured))


def _pairs(bench: Bench, wanted: int) -> int:
    """As many pairs as a process may hold open."""
    possible = (bench.services.files - SPARE) // 2
    if possible < wanted:
        bench.note(
            f"{wanted:,} rooms of 2 need {2 * wanted:,} sockets, and a process may open {bench.services.files:,} files here"
        )
    return min(wanted, possible)


def _one(bench: Bench, crowd: Crowd, phase: Phase) -> Figures:
    title = f"{crowd.rooms:,} rooms of {crowd.size:,}" if crowd.rooms > 1 else f"room of {crowd.size:,}"
    print(f" {title}", flush=True)
    samples = take_turns(bench, Contest(crowd.sides(bench, PEERS), (phase,), readers=crowd.size, rounds=1))
    return Figures(rows(_comparisons(title, phase), samples), f"{title}:\n\n{runs(samples)}")


def _comparisons(title: str, phase: Phase) -> list[Comparison]:
    def rate(sample: Sample) -> float:
        return sample.rate

    def per_second(sample: Sample) -> float:
        return sample.per_server_second

    found = []
    for peer in PEERS:
        found.append(Comparison(title, "deliveries/s", rate, peer, phase.name))
        found.append(Comparison(f"{title}, server CPU", "deliveries/CPU-s", per_second, peer, phase.name))
    return found
