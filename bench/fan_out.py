"""Fan-out: one room, many sockets, one server process. What a message to everyone costs."""

from bench.crowd import ALL, Crowd
from bench.measure import Bench, Comparison, Contest, Figures, Phase, Sample, rows, runs, take_turns
from bench.peers import nchan, node_peers, plain
from bench.report import Goal

TITLE = "Fan-out: a room of 1,000"
ROOM = Crowd("fan-out", rooms=1, size=1_000, senders=200)  # so many senders that nobody meets a limit
BUSY, LONE = Phase("8 in flight", window=8), Phase("one at a time", window=1)
GOALS = {
    plain.NAME: Goal("times", 45),
    node_peers.SOCKET_IO: Goal("times", 1.4),
    nchan.NAME: Goal("times", 0.85),
}

HOW = f"""\
{ROOM.size:,} sockets are in one room, and each message must reach every one of them; {ROOM.senders} of them send in turn. *8
in flight* is a busy room, in which a server may write several messages with one call to the kernel; ours waits for those that are
just being stored, up to half as long as the write takes. *One at a time* sends the next message when the last one has reached
everybody, so that nothing can be gathered.

For ours it is a community room of a site, and each socket is another visitor's. No peer signs anybody in, stores anything or
limits anything, and each says less with a message: all of that is in its favour.

- *plain consumer*, `bench/peers/plain_consumer.py`: a room as most tutorials for Channels have it, a channel and a group
  membership per socket, the list-based Redis layer, served by daphne.
- *socket.io*, `bench/peers/node/socketio.mjs`: with its Redis adapter, as it runs on more than one process.
- *node ws*, `bench/peers/node/ws.mjs`: nothing but the sockets.
- *nchan*: a pub/sub server in C, a module of nginx, with one worker.

*Server CPU* is the CPU time of the server process alone, and says how much a core carries; *behind* is what Redis and
PostgreSQL used. *Opened and joined* is from the connection to the answer that the room is joined: for ours with sign-in, the
list of rooms and the room's history. *Memory* is the growth of the server process by its open sockets.
"""


def measure(bench: Bench) -> Figures:
    """All five, busy and one at a time."""
    contest = Contest(ROOM.sides(bench, ALL), (BUSY, LONE), readers=ROOM.size, rounds=bench.plan.rounds)
    samples = take_turns(bench, contest)
    return Figures(rows(_comparisons(), samples), runs(samples))


def _comparisons() -> list[Comparison]:
    found = []
    for phase in (BUSY, LONE):
        name = f"room of {ROOM.size:,}, {phase.name}"
        for peer in ALL:
            goal = GOALS.get(peer) if phase is BUSY else None
            found.append(Comparison(name, "deliveries/s", lambda sample: sample.rate, peer, phase.name, goal))
    name = f"room of {ROOM.size:,}, {BUSY.name}, server CPU"
    found += [Comparison(name, "deliveries/CPU-s", lambda sample: sample.per_server_second, peer, BUSY.name) for peer in ALL]
    return found + _of_sockets()


def _of_sockets() -> list[Comparison]:
    def opens(sample: Sample) -> float:
        return sample.opens_per_second

    def memory(sample: Sample) -> float:
        return sample.bytes_per_socket / 1024

    return [
        Comparison("sockets opened and joined", "sockets/s", opens, plain.NAME, BUSY.name),
        Comparison("memory of an open socket in the room", "KiB", memory, plain.NAME, BUSY.name, less_is_better=True),
    ]
