"""Fan-out: one room, many sockets, one server process. What a message to everyone costs."""

from collections.abc import Sequence
from functools import partial

from bench import ours, peer
from bench.load import Client, Shape
from bench.measure import Sample, Serve, compare
from bench.report import Row
from bench.services import Services

TITLE = "Fan-out"
SOCKETS = 1_000
SENDERS = 50  # enough that nobody meets a limit
SHAPE = Shape(window=8, size=64, readers=SOCKETS)
TARGET = 30.0  # times the peer's deliveries per second

HOW = f"""\
{SOCKETS:,} sockets are in one room. {SHAPE.window} messages are in flight at any time, from {SENDERS} senders in turn, and each
must reach every socket.

For ours it is a community room of a site, and each socket is another visitor's. The peer, `bench/peers/plain_consumer.py`, is a
room as most tutorials for Channels have it: a channel and a group membership per socket, the list-based Redis layer, served by
daphne. It signs nobody in, stores nothing and limits nothing, and says less with each message. All of that is in its favour.

*Server CPU* is the CPU time of the server process alone, and says how much a core carries; the row below it adds what Redis and
PostgreSQL used. *Sockets opened and joined* are from the connection to the answer that the room is joined: for ours with sign-in,
the list of rooms and the room's history. *Memory* is the growth of the server process by its open sockets.
"""


def sides(services: Services, cast: ours.Cast) -> list[Serve]:
    """Ours and the peer's."""
    writers = [Client("/ws/chat/bench/", '{"message": "{text}"}')] * SENDERS
    readers = [Client("/ws/chat/bench/")] * (SOCKETS - SENDERS)
    return [
        partial(ours.serve, services, clients=[cast.visitor(n, room=cast.community, writes=n < SENDERS) for n in range(SOCKETS)]),
        partial(peer.serve, services, application="plain_consumer", clients=[*writers, *readers]),
    ]


def rows(sides: Sequence[Sequence[Sample]]) -> list[Row]:
    """What is compared; the first is what the target is about."""
    room = f"fan-out, room of {SOCKETS:,}"
    return [
        compare(room, "deliveries/s", lambda sample: sample.run.rate, sides, target=TARGET),
        compare(f"{room}, server CPU", "deliveries/CPU-s", lambda sample: sample.per_server_second, sides, target=TARGET),
        compare(f"{room}, CPU of server, Redis and PostgreSQL", "deliveries/CPU-s", lambda sample: sample.per_any_second, sides),
        compare("sockets opened and joined", "sockets/s", lambda sample: sample.opens_per_second, sides),
        compare("memory of an open socket", "KiB", lambda sample: sample.bytes_per_socket / 1024, sides, less_is_better=True),
    ]
