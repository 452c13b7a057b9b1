"""Taking figures: the sides of a benchmark in turn, each time with a fresh server."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from bench.load import CannotMeasure, Client, Load, Order, Run, Target
from bench.processes import cpu_seconds, resident_bytes
from bench.report import Goal, Row, grid, text
from bench.services import Services

OURS = "Porchlight"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure: `rounds` times each side, in turn, for `seconds` after `warm_up` seconds that are not counted.

    Where runs differ little, `few` times, and where they differ much, `many`; what takes long to set up, once. `shrink` divides
    its sizes. Nothing new is begun after `minutes`.
    """

    rounds: int
    few: int
    many: int
    seconds: float
    warm_up: float
    minutes: float
    shrink: int = 1


@dataclass(slots=True)
class Bench:
    """What every section measures with. `notes` is what could not be measured, and why."""

    services: Services
    load: Path  # the load generators, compiled
    web_load: Path
    plan: Plan
    notes: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def note(self, what: str) -> None:
        """Something has no figure: say so now, and on the page, once."""
        if what not in self.notes:
            print(f"!! {what}", flush=True)
            self.notes.append(what)

    def check_time(self) -> None:
        """Raises `CannotMeasure` when the time for all of it is over."""
        if time.monotonic() - self.began > self.plan.minutes * 60:
            raise CannotMeasure(f"not measured any more: it began {self.plan.minutes:g} minutes ago")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a section measured: the rows of the table at the top, and the single runs as Markdown."""

    rows: Sequence[Row]
    runs: str


@dataclass(frozen=True, slots=True)
class Side:
    """A running server and who connects to it. `pids` are its processes; `behind` those of the services that work for it."""

    target: Target
    clients: Sequence[Client]
    pids: Sequence[int]
    behind: Sequence[int] = ()


Serve = Callable[[], AbstractContextManager[Side]]  # the server, with nobody connected, until the block ends


@dataclass(frozen=True, slots=True)
class Phase:
    """One kind of load: so many messages in flight, or so many each second; `most` in one run, 0 for no end."""

    name: str
    window: int = 1
    rate: float = 0.0
    most: int = 0

    def order(self, seconds: float) -> Order:
        """To be sent for so long."""
        return Order(seconds, self.window, self.rate, self.most)


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one side. CPU time is that of the run alone: the server's, and that of the services behind it."""

    side: str
    phase: str
    run: Run
    server_cpu: float
    behind_cpu: float
    opens_per_second: float
    bytes_per_socket: float

    @property
    def rate(self) -> float:
        """Deliveries per second."""
        return self.run.rate

    @property
    def per_server_second(self) -> float:
        """Deliveries per CPU-second of the server's processes."""
        return self.run.delivered / max(self.server_cpu, 0.01)

    @property
    def per_any_second(self) -> float:
        """Deliveries per CPU-second of the server and the services together."""
        return self.run.delivered / max(self.server_cpu + self.behind_cpu, 0.01)


@dataclass(frozen=True, slots=True)
class Contest:
    """The sides by name, ours first; the phases; how many sockets a message reaches; how often each side has its turn."""

    sides: Mapping[str, Serve]
    phases: Sequence[Phase]
    readers: int
    rounds: int


def take_turns(bench: Bench, contest: Contest) -> list[Sample]:
    """The samples of all sides, taken in turn (A B A B). A side that gives no figure is noted and left out from then on."""
    samples: list[Sample] = []
    sides = dict(contest.sides)
    for _ in range(contest.rounds):
        for name, serve in list(sides.items()):
            try:
                bench.check_time()
                taken = _samples(bench, name, serve, contest)
            except CannotMeasure as error:
                bench.note(f"{name}: {error}")
                del sides[name]
            else:
                samples += taken
                _tell(taken)
    return samples


def _samples(bench: Bench, name: str, serve: Serve, contest: Contest) -> list[Sample]:
    with serve() as side:
        empty = _resident(side)
        with Load(bench.load, side.target, side.clients, readers=contest.readers) as load:
            sockets = len(side.clients)
            opens, memory = sockets / load.open_seconds, (_resident(side) - empty) / sockets
            load.run(replace(contest.phases[0].order(bench.plan.warm_up), most=contest.phases[0].most // 4))
            return [Sample(name, phase.name, *_run(load, side, phase, bench.plan), opens, memory) for phase in contest.phases]


def _run(load: Load, side: Side, phase: Phase, plan: Plan) -> tuple[Run, float, float]:
    server, behind = _cpu(side.pids), _cpu(side.behind)
    run = load.run(phase.order(plan.seconds))
    return run, _cpu(side.pids) - server, _cpu(side.behind) - behind


def _cpu(pids: Sequence[int]) -> float:
    return sum(map(cpu_seconds, pids))


def _resident(side: Side) -> int:
    return sum(map(resident_bytes, side.pids))


def _tell(samples: Sequence[Sample]) -> None:
    for sample in samples:
        run, name = sample.run, f"{sample.side}, {sample.phase}"
        print(f"  {name:<30} {run.rate:>11,.0f}/s  p50 {text(run.p50_ms)} ms, p99 {text(run.p99_ms)} ms", flush=True)


Figure = Callable[[Sample], float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row to be made: a figure of one phase, ours beside a peer's."""

    name: str
    unit: str
    figure: Figure
    peer: str
    phase: str
    goal: Goal | None = None
    less_is_better: bool = False

    def row(self, samples: Sequence[Sample]) -> Row:
        """From the medians. A side without a sample has no figure."""
        ours, theirs = (self._median(samples, side) for side in (OURS, self.peer))
        return Row(self.name, self.unit, ours, self.peer, theirs, self.goal, self.less_is_better)

    def _median(self, samples: Sequence[Sample], side: str) -> float | None:
        figures = [self.figure(sample) for sample in samples if sample.side == side and sample.phase == self.phase]
        return median(figures) if figures else None


def rows(comparisons: Sequence[Comparison], samples: Sequence[Sample]) -> list[Row]:
    """A row of each."""
    return [comparison.row(samples) for comparison in comparisons]


HEAD = ("side", "load", "delivered/s", "p50 ms", "p99 ms", "server CPU s", "behind CPU s", "bytes each", "delivered")


def runs(samples: Sequence[Sample]) -> str:
    """Every single run, as a Markdown table."""
    return grid(HEAD, [_cells(sample) for sample in samples], numbers=range(2, len(HEAD)))


def _cells(sample: Sample) -> list[str]:
    run = sample.run
    cpu = [f"{sample.server_cpu:.2f}", f"{sample.behind_cpu:.2f}"]
    each = str(run.bytes // run.delivered)
    return [sample.side, sample.phase, f"{run.rate:,.0f}", text(run.p50_ms), text(run.p99_ms), *cpu, each, f"{run.delivered:,}"]
