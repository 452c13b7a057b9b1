"""Taking figures: the sides of a benchmark in turn, each time with a fresh server."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.load import Client, Load, Run, Shape, Target
from bench.processes import cpu_seconds, resident_bytes
from bench.report import Row


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure: `rounds` times each side, in turn, for `seconds` after `warm_up` seconds that are not counted."""

    rounds: int
    seconds: float
    warm_up: float


@dataclass(frozen=True, slots=True)
class Side:
    """A running server and who connects to it. `pid` is its process; `behind` those of the services that work for it."""

    name: str
    target: Target
    clients: Sequence[Client]
    pid: int
    behind: Sequence[int]


Serve = Callable[[], AbstractContextManager[Side]]  # the server, with nobody connected, until the block ends


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one side. CPU time is that of the run alone: the server's, and that of the services behind it."""

    side: str
    run: Run
    server_cpu: float
    behind_cpu: float
    opens_per_second: float
    bytes_per_socket: float

    @property
    def per_server_second(self) -> float:
        """Deliveries per CPU-second of the server process."""
        return self.run.delivered / self.server_cpu

    @property
    def per_any_second(self) -> float:
        """Deliveries per CPU-second of the server and the services together."""
        return self.run.delivered / (self.server_cpu + self.behind_cpu)


def measure(program: Path, sides: Sequence[Serve], shape: Shape, plan: Plan) -> list[list[Sample]]:
    """Samples of each side, taken in turn (A B A B). Raises `CannotMeasure`."""
    samples: list[list[Sample]] = [[] for _ in sides]
    for _ in range(plan.rounds):
        for serve, taken in zip(sides, samples, strict=True):
            with serve() as side:
                taken.append(_sample(program, side, shape, plan))
            _tell(taken[-1])
    return samples


def _sample(program: Path, side: Side, shape: Shape, plan: Plan) -> Sample:
    empty = resident_bytes(side.pid)
    with Load(program, side.target, side.clients, shape) as load:
        full = resident_bytes(side.pid)
        load.run(plan.warm_up)
        server, behind = cpu_seconds(side.pid), _behind(side)
        run = load.run(plan.seconds)
        server, behind = cpu_seconds(side.pid) - server, _behind(side) - behind
    sockets = len(side.clients)
    return Sample(side.name, run, server, behind, sockets / load.open_seconds, (full - empty) / sockets)


def _behind(side: Side) -> float:
    return sum(cpu_seconds(pid) for pid in side.behind)


def _tell(sample: Sample) -> None:
    run = sample.run
    print(f"{sample.side}: {run.rate:,.0f} deliveries/s, p50 {run.p50_ms:,.0f} ms, p99 {run.p99_ms:,.0f} ms", flush=True)


def compare(
    name: str,
    unit: str,
    figure: Callable[[Sample], float],
    sides: Sequence[Sequence[Sample]],
    *,
    target: float | None = None,
    less_is_better: bool = False,
) -> Row:
    """The medians of a figure, ours beside the peer's."""
    ours, peer = (median(map(figure, samples)) for samples in sides)
    return Row(name, ours, peer, unit, target=target, less_is_better=less_is_better)
