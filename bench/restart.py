"""A restart: ten thousand clients lose their server, and come back to the next one."""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg

from bench import ours
from bench.idle import SOCKETS, sockets
from bench.load import Client, Load
from bench.measure import Bench, Figures
from bench.report import Goal, Row, grid, text
from saas.up.processes import free_port

TITLE = "Return after a restart"
MESSAGES, KNOWN = 5, 2  # in each room; how many of them a client says that it has
RETURN_SECONDS = 120.0

HOW = f"""\
{SOCKETS:,} visitors are connected, each in a support room of their own. The server gets SIGTERM, as in any deployment; when
it has ended, a new one starts on the same port. The load generator does as our client does: it waits as long as the server's
`bye` asked, and where nobody answers tries again after `random() * min(20 s, 300 ms * 2^n)`. A client is back when it was
welcomed and has been sent what it missed: each says that it knows {KNOWN} of the {MESSAGES} messages of its room. The time is
from SIGTERM to the last one; connections are those that PostgreSQL saw at once, looked at fifty times a second.
"""
CONNECTIONS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@dataclass(slots=True)
class Watch:
    """The most database connections that were seen at once."""

    most: int = 0


@dataclass(frozen=True, slots=True)
class Returned:
    """A restart. Seconds since SIGTERM, but `away` from the first client that was lost to the last that was back."""

    clients: int
    ended: float
    started: float
    all_back: float
    away: float
    connections: int

    def cells(self) -> list[str]:
        """As a line of the table."""
        seconds = (self.ended, self.started, self.all_back, self.away)
        return [f"{self.clients:,}", *map(text, seconds), str(self.connections)]


HEAD = ("clients", "old server ended, s", "new one answers, s", "all back, s", "first lost to last back, s", "connections")


def measure(bench: Bench) -> Figures:
    """One restart."""
    count = sockets(bench)
    order = {"slug": "restart", "visitors": count, "support": count, "messages": MESSAGES}
    (tenant,) = ours.Tenant.seeded(bench.services, [order])
    returned = _restart(bench, [tenant.visitor(n, room=tenant.support[n], after=KNOWN) for n in range(count)])
    print(f"  {count:,} clients back after {returned.all_back:.1f} s; the new server answered after {returned.started:.1f} s")
    rows = [
        Row(f"return of {count:,} clients after a restart", "s", returned.all_back, goal=Goal("at_most", 30)),
        Row("database connections at once, at most", "connections", returned.connections, goal=Goal("at_most", 20)),
    ]
    return Figures(rows, grid(HEAD, [returned.cells()], numbers=range(len(HEAD))))


def _restart(bench: Bench, clients: Sequence[Client]) -> Returned:
    port = free_port()
    with contextlib.ExitStack() as old, contextlib.ExitStack() as rest:
        side = old.enter_context(ours.serve(bench.services, port=port))
        load = rest.enter_context(Load(bench.load, side.target, clients))
        watch = rest.enter_context(_watched(bench.services.superuser_url))
        load.begin_return(RETURN_SECONDS)
        start = time.monotonic()
        old.close()
        ended = time.monotonic() - start
        rest.enter_context(ours.serve(bench.services, port=port))
        started = time.monotonic() - start
        away = load.returned()
        return Returned(len(clients), ended, started, time.monotonic() - start, away, watch.most)


@contextlib.contextmanager
def _watched(url: str) -> Iterator[Watch]:
    """Looks at the connections to our database until the block ends."""
    watch, over = Watch(), threading.Event()

    def look() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not over.wait(0.02):
                (found,) = connection.execute(CONNECTIONS).fetchone() or (0,)
                watch.most = max(watch.most, found)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()
