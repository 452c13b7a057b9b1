"""A restart and a crash: ten thousand clients lose their server, and come back to the next one."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg

from bench import ours
from bench.idle import SOCKETS, sockets
from bench.load import Back, CannotMeasure, Client, Load
from bench.measure import Bench, Figures
from bench.processes import cpu_seconds
from bench.report import Goal, Row, grid, text
from saas.up.processes import free_port

TITLE = "Return after a restart"
MESSAGES, KNOWN = 5, 2  # in each room; how many of them a client says that it has
RETURN_SECONDS = 120.0
RESTART, CRASH = "restart", "crash"

HOW = f"""\
{SOCKETS:,} visitors are connected, each in a support room of their own. For the *{RESTART}* the server gets SIGTERM, as in any
deployment, says `bye` and ends; for the *{CRASH}* it is killed (SIGKILL) and says nothing. As soon as it has ended, a new one
starts on the same port. The load generator does as our client does: it waits as long as `bye` asked, and where nobody said
anything, or nobody answers, tries again after `random() * min(20 s, 300 ms * 2^n)`; a connection that brings no welcome within
ten seconds is given up. A client is back when it was welcomed and has been sent what it missed: each says that it knows {KNOWN}
of the {MESSAGES} messages of its room. The time is from the signal to the last of them; connections are those that PostgreSQL saw
at once, looked at fifty times a second. In a restart clients come as `bye` spread them, which is most of the time that it takes.
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
    """A restart or a crash. Seconds since the signal; those of `back` are since the first client was lost."""

    ending: str
    clients: int
    ended: float
    started: float
    all_back: float
    back: Back
    cpu: float  # seconds that the new server used until all were back, its start included
    connections: int

    def cells(self) -> list[str]:
        """As a line of the table."""
        seconds = (self.ended, self.started, self.all_back, self.back.half, self.back.seconds)
        counts = (text(self.back.dials / self.clients), text(self.cpu), str(self.connections))
        return [self.ending, f"{self.clients:,}", *map(text, seconds), *counts]


HEAD = (
    *("after a", "clients", "old server ended, s", "new one answers, s", "all back, s"),
    *("first lost to half back, s", "to last back, s", "dialled by each", "new server's CPU, s", "database connections"),
)


def measure(bench: Bench) -> Figures:
    """A restart, and with the same clients a crash."""
    count = sockets(bench)
    order = {"slug": "restart", "visitors": count, "support": count, "messages": MESSAGES}
    (tenant,) = ours.Tenant.seeded(bench.services, [order])
    taken = _taken(bench, [tenant.visitor(n, room=tenant.support[n], after=KNOWN) for n in range(count)])
    back = {one.ending: one.all_back for one in taken}
    most = max((one.connections for one in taken), default=0) or None
    rows = [
        Row(f"return of {count:,} clients after a {ending}", "s", back.get(ending), goal=Goal("at_most", 30))
        for ending in (RESTART, CRASH)
    ]
    rows.append(Row("database connections at once meanwhile, at most", "connections", most, goal=Goal("at_most", 20)))
    return Figures(rows, grid(HEAD, [one.cells() for one in taken], numbers=range(1, len(HEAD))))


def _taken(bench: Bench, clients: Sequence[Client]) -> list[Returned]:
    """Both, or as far as it goes."""
    taken: list[Returned] = []
    try:
        for one in _both(bench, clients):
            print(f"  {one.clients:,} clients back {one.all_back:.1f} s after a {one.ending}", flush=True)
            taken.append(one)
    except CannotMeasure as error:
        bench.note(f"{TITLE}: {error}")
    return taken


def _both(bench: Bench, clients: Sequence[Client]) -> Iterator[Returned]:
    """The clients lose one server after the other; each time the next one takes its port."""
    port = free_port()
    with contextlib.ExitStack() as rest:
        server = rest.enter_context(contextlib.ExitStack())
        side = server.enter_context(ours.serve(bench.services, port=port))
        load = rest.enter_context(Load(bench.load, side.target, clients))
        watch = rest.enter_context(_watched(bench.services.superuser_url))
        for ending in (RESTART, CRASH):
            watch.most = 0
            load.begin_return(RETURN_SECONDS)
            start = time.monotonic()
            if ending == CRASH:
                os.kill(side.pids[0], signal.SIGKILL)
            server.close()
            ended = time.monotonic() - start
            side = server.enter_context(ours.serve(bench.services, port=port))
            started = time.monotonic() - start
            back = load.returned()
            all_back, cpu = time.monotonic() - start, cpu_seconds(side.pids[0])
            yield Returned(ending, len(clients), ended, started, all_back, back, cpu, watch.most)


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
