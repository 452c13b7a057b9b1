"""Reading a room with a million messages."""

import json
from collections.abc import Sequence
from statistics import median, quantiles

import psycopg
from psycopg import sql

from bench import ours
from bench.measure import Bench, Figures
from bench.report import Goal, Row, grid, text
from bench.services import run

TITLE = "History"
MESSAGES, TIMES = 1_000_000, 200

HOW = f"""\
A community room of {MESSAGES:,} messages by fifty people, in a tenant that has read nothing yet. The figures are of the
functions that the server calls for `join` and `history`, with the database's answer made into frames: the newest page, a page
further up at a place by chance, a catch-up of up to 200 messages, and twenty messages of one author. Each {TIMES} times, one
after the other, with the database on the same machine.
"""


def measure(bench: Bench) -> Figures:
    """Each kind of read."""
    count = MESSAGES // bench.plan.shrink
    print(f"  writing {count:,} messages", flush=True)
    order = {"slug": "history", "visitors": 50, "community": 1, "messages": count}
    (tenant,) = ours.Tenant.seeded(bench.services, [order])
    with psycopg.connect(bench.services.superuser_url, autocommit=True) as connection:
        connection.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(tenant.schema, "chat_message")))
    words = ["-m", "bench.history_queries", tenant.schema, tenant.community[0]["id"], str(TIMES)]
    taken: dict[str, list[float]] = json.loads(run(words, bench.services.ours))
    rows = [
        Row(f"room of {count:,} messages: {name}", "ms", median(times), goal=Goal("at_most", 5)) for name, times in taken.items()
    ]
    for name, times in taken.items():
        print(f"  {name}: {median(times):.2f} ms", flush=True)
    head = ("read", "p50 ms", "p99 ms", "most ms")
    return Figures(rows, grid(head, [_cells(name, times) for name, times in taken.items()], numbers=(1, 2, 3)))


def _cells(name: str, times: Sequence[float]) -> list[str]:
    return [name, text(median(times)), text(quantiles(times, n=100)[98]), text(max(times))]
