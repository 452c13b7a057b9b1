"""Sockets that do nothing: what opening one costs, and what it costs to keep ten thousand."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench import ours
from bench.load import Client, Load
from bench.measure import Bench, Figures
from bench.processes import cpu_seconds, resident_bytes
from bench.report import Goal, Row, grid, text

TITLE = "Idle sockets"
SOCKETS = 10_000
AGENTS, TABS = 250, 4
SPARE = 200  # files that a server has open beside its sockets

HOW = f"""\
{SOCKETS:,} visitors of a site open a socket each to one server process, and stay. First they only say hello, with their
token, and are told their rooms and notifications. In a second go, with a fresh server, each joins a support room of their own
as well, and is told its history. {AGENTS} agents with {TABS} tabs each do the same as the first, in a tenant with 100 rooms,
each time with a fresh server; the median counts.
No more than 40 sockets are being opened at any time.

*Opens per core* are per CPU-second of the server process: what a core does that has nothing else to do. Memory is the growth
of the process, and the whole of it. No peer stands beside this, for none signs anybody in.
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """One server with its sockets open. Memory in bytes."""

    who: str
    sockets: int
    seconds: float
    cpu: float
    empty: int
    full: int

    @property
    def per_core(self) -> float:
        """Opens per CPU-second of the server."""
        return self.sockets / self.cpu

    @property
    def kib_each(self) -> float:
        """What a socket takes."""
        return (self.full - self.empty) / self.sockets / 1024

    def cells(self) -> list[str]:
        """As a line of the table."""
        opened = [f"{self.sockets:,}", text(self.sockets / self.seconds), text(self.per_core)]
        return [self.who, *opened, text(self.kib_each), text(self.empty / 2**20), text(self.full / 2**20)]


HEAD = ("who", "sockets", "opens/s", "opens/CPU-s", "KiB each", "MiB before", "MiB after")


def measure(bench: Bench) -> Figures:
    """Visitors, agents, and visitors in their rooms."""
    count = sockets(bench)
    site, desk = ours.Tenant.seeded(
        bench.services,
        [
            {"slug": "idle", "visitors": count, "support": count, "messages": 1},
            {"slug": "desk", "visitors": 100, "support": 100, "messages": 1, "agents": AGENTS},
        ],
    )
    welcomed = _open(bench, "visitors", [site.visitor(n, room=None) for n in range(count)])
    tabs = [desk.agent(n % AGENTS) for n in range(AGENTS * TABS)]
    times = sorted((_open(bench, "agents", tabs, host="desk") for _ in range(bench.plan.rounds)), key=lambda one: one.per_core)
    agents = times[len(times) // 2]
    joined = _open(bench, "visitors in a room each", [site.visitor(n, room=site.support[n]) for n in range(count)])
    rows = [
        Row("authenticated opens per core, visitors", "sockets/CPU-s", welcomed.per_core, goal=Goal("at_least", 1_500)),
        Row("authenticated opens per core, agents", "sockets/CPU-s", agents.per_core, goal=Goal("at_least", 1_500)),
        Row("opens per core, room joined", "sockets/CPU-s", joined.per_core),
        Row(f"memory of each of {count:,} idle sockets", "KiB", welcomed.kib_each, goal=Goal("at_most", 25)),
        Row(f"memory of each of {count:,} sockets in a room each", "KiB", joined.kib_each, goal=Goal("at_most", 25)),
        Row(f"the process with {count:,} idle sockets", "MiB", welcomed.full / 2**20, goal=Goal("at_most", 350)),
    ]
    return Figures(rows, grid(HEAD, [one.cells() for one in (welcomed, *times, joined)], numbers=range(1, len(HEAD))))


def sockets(bench: Bench) -> int:
    """As many as wanted, or as a process may hold open."""
    wanted = SOCKETS // bench.plan.shrink
    possible = bench.services.files - SPARE
    if possible < wanted:
        bench.note(f"{wanted:,} sockets are too many here: a process may open {bench.services.files:,} files")
    return min(wanted, possible)


def _open(bench: Bench, who: str, clients: Sequence[Client], *, host: str = "widget") -> Opened:
    with ours.serve(bench.services, host=host) as side:
        (pid,) = side.pids
        empty, cpu = resident_bytes(pid), cpu_seconds(pid)
        with Load(bench.load, side.target, clients) as load:
            cpu = cpu_seconds(pid) - cpu
            opened = Opened(who, len(clients), load.open_seconds, cpu, empty, resident_bytes(pid))
    print(f"  {who}: {opened.per_core:,.0f} opens/CPU-s, {opened.kib_each:.1f} KiB each", flush=True)
    return opened
