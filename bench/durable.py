"""Durable sends: many rooms, one reader each, one server process. What it costs to lose nothing."""

from collections.abc import Sequence
from functools import partial

from bench import ours, peer
from bench.load import Client, Shape
from bench.measure import Sample, Serve, compare
from bench.report import Row
from bench.services import Services

TITLE = "Durable sends"
ROOMS = 256  # so many that no visitor meets the limit of 200 messages in 10 s
SHAPE = Shape(window=128, size=64, readers=1)
TARGET = 20.0  # times the peer's messages per second

HOW = f"""\
{ROOMS} sockets, each alone in a room of its own, send in turn; {SHAPE.window} messages are in flight at any time. Both sides
commit each message to the same PostgreSQL, under a number that has no holes in its room, before they deliver it. Ours keeps the
`cid` that makes a repeat harmless and writes the usage row, too.

For ours the rooms are support rooms. The peer, `bench/peers/storing_consumer.py`, is the consumer of the fan-out benchmark with
Django's ORM behind it: in a transaction it locks the room's row, counts up, and stores the message. Its database connections are
kept open, which is kinder than Django's default.
"""


def sides(services: Services, cast: ours.Cast) -> list[Serve]:
    """Ours and the peer's."""
    visitors = [cast.visitor(number, room=room, writes=True) for number, room in enumerate(cast.support)]
    plain = [Client(f"/ws/chat/{number}/", '{"message": "{text}"}') for number in range(ROOMS)]
    return [
        partial(ours.serve, services, clients=visitors),
        partial(peer.serve, services, application="storing_consumer", clients=plain),
    ]


def rows(sides: Sequence[Sequence[Sample]]) -> list[Row]:
    """What is compared; the first is what the target is about."""
    name = f"durable sends, {ROOMS} rooms, {SHAPE.window} in flight"
    return [
        compare(name, "messages/s", lambda sample: sample.run.rate, sides, target=TARGET),
        compare(f"{name}, server CPU", "messages/CPU-s", lambda sample: sample.per_server_second, sides, target=TARGET),
        compare(f"{name}, CPU of server, Redis and PostgreSQL", "messages/CPU-s", lambda sample: sample.per_any_second, sides),
        compare(f"{name}, send to delivery, p50", "ms", lambda sample: sample.run.p50_ms, sides, less_is_better=True),
        compare(f"{name}, send to delivery, p99", "ms", lambda sample: sample.run.p99_ms, sides, less_is_better=True),
    ]
