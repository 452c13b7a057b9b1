"""Durable sends: many rooms, one reader each, one server process. What it costs to lose nothing."""

from collections.abc import Mapping
from functools import partial

from bench import ours
from bench.load import Client
from bench.measure import OURS, Bench, Comparison, Contest, Figures, Phase, Sample, Serve, rows, runs, take_turns
from bench.peers import node_peers, plain
from bench.report import Goal, Row

TITLE = "Durable sends: 128 rooms"
TENANTS, SENDERS = 8, 128
# A visitor may send 200 messages at once and 20 in each second after: nobody here says more than 190 to one server.
BUSY = Phase(f"{SENDERS} in flight", window=SENDERS, most=150 * SENDERS)
NAME = f"durable sends, {SENDERS} senders in {SENDERS} rooms of {TENANTS} tenants"

HOW = f"""\
{SENDERS} sockets, each alone in a room of its own, send in turn; {SENDERS} messages are in flight at any time, so that each
sender has one on its way. All sides commit each message to the same PostgreSQL, on the same machine, under a number that has
no holes in its room, before they deliver it. Ours and *node ws + pg* keep the `cid` that makes a repeat harmless, and
acknowledge after the commit; ours writes the usage row, too, and each of the {TENANTS} tenants has a schema and a role of its
own.

- *node ws + pg*, `bench/peers/node/ws_pg.mjs`: number, lock, insert and dedupe in one prepared statement, ten connections.
- *plain consumer*, `bench/peers/storing_consumer.py`: Django's ORM behind the consumer of the fan-out benchmark: in a
  transaction it locks the room's row, counts up, and stores the message. Its connections are kept open, which is kinder than
  Django's default.

A run ends after {BUSY.most:,} messages if that is earlier, since ours limits how much one visitor may send.
"""


def clients(bench: Bench, slug: str) -> list[Client]:
    """Our sockets: visitors of new tenants, each in a support room of its own."""
    each = SENDERS // TENANTS
    orders = [{"slug": f"{slug}-{number}", "visitors": each, "support": each} for number in range(TENANTS)]
    tenants = ours.Tenant.seeded(bench.services, orders)
    return [tenant.visitor(n, room=tenant.support[n], writes=True) for n in range(each) for tenant in tenants]


def measure(bench: Bench) -> Figures:
    """All three."""
    contest = Contest(_sides(bench), (BUSY,), readers=1, rounds=bench.plan.many)
    samples = take_turns(bench, contest)
    return Figures([*rows(_comparisons(), samples), *_latency(samples)], runs(samples))


def _sides(bench: Bench) -> Mapping[str, Serve]:
    services, rooms = bench.services, range(SENDERS)
    stored = plain.clients(rooms, senders=SENDERS)
    return {
        OURS: partial(ours.serve, services, clients=clients(bench, "durable")),
        node_peers.WS_PG: partial(
            node_peers.serve_ws_pg, services, clients=node_peers.pg_clients(rooms, senders=SENDERS), rooms=SENDERS
        ),
        plain.NAME: partial(plain.serve, services, application="storing_consumer", clients=stored),
    }


def _comparisons() -> list[Comparison]:
    goals = {node_peers.WS_PG: Goal("times", 1.25), plain.NAME: Goal("times", 20)}
    found = []
    for peer, goal in goals.items():
        found += [
            Comparison(NAME, "messages/s", lambda sample: sample.rate, peer, BUSY.name, goal),
            Comparison(f"{NAME}, server CPU", "messages/CPU-s", lambda sample: sample.per_server_second, peer, BUSY.name),
            Comparison(f"{NAME}, all CPU", "messages/CPU-s", lambda sample: sample.per_any_second, peer, BUSY.name),
        ]
    return found


def _latency(samples: list[Sample]) -> list[Row]:
    def p99(sample: Sample) -> float:
        return sample.run.p99_ms

    goal = Goal("at_most", 40)
    return rows([Comparison(f"{NAME}, p99", "ms", p99, node_peers.WS_PG, BUSY.name, goal, less_is_better=True)], samples)
