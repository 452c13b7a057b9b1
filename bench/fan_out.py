"""Fan-out: one room, many sockets, one server process. What a message to everyone costs."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.load import Load, Run, Shape
from bench.processes import cpu_seconds, resident_bytes
from bench.report import Row
from bench.side import Side

SOCKETS = 1_000
SENDERS = 50  # enough that nobody meets a limit
SHAPE = Shape(window=8, size=64, readers=SOCKETS)
TARGET = 30.0  # times the peer's deliveries per second


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure: `rounds` times each side, in turn, for `seconds` after `warm_up` seconds that are not counted."""

    rounds: int
    seconds: float
    warm_up: float


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
        """Deliveries per CPU-second of the server, Redis and PostgreSQL together."""
        return self.run.delivered / (self.server_cpu + self.behind_cpu)


def measure(program: Path, sides: Sequence[Callable[[], AbstractContextManager[Side]]], plan: Plan) -> list[list[Sample]]:
    """Samples of each side, taken in turn (A B A B), each with a fresh server. Raises `CannotMeasure`."""
    samples: list[list[Sample]] = [[] for _ in sides]
    for _ in range(plan.rounds):
        for serve, taken in zip(sides, samples, strict=True):
            with serve() as side:
                taken.append(_sample(program, side, plan))
            _tell(taken[-1])
    return samples


def _sample(program: Path, side: Side, plan: Plan) -> Sample:
    empty = resident_bytes(side.pid)
    with Load(program, side.target, side.clients, SHAPE) as load:
        full = resident_bytes(side.pid)
        load.run(plan.warm_up)
        server, behind = cpu_seconds(side.pid), _behind(side)
        run = load.run(plan.seconds)
        server, behind = cpu_seconds(side.pid) - server, _behind(side) - behind
    return Sample(side.name, run, server, behind, SOCKETS / load.open_seconds, (full - empty) / SOCKETS)


def _behind(side: Side) -> float:
    return sum(cpu_seconds(pid) for pid in side.behind)


def _tell(sample: Sample) -> None:
    run = sample.run
    print(f"{sample.side}: {run.rate:,.0f} deliveries/s, p50 {run.p50_ms:.0f} ms, p99 {run.p99_ms:.0f} ms", flush=True)


def rows(ours: Sequence[Sample], peer: Sequence[Sample]) -> list[Row]:
    """Medians side by side."""

    def row(name: str, unit: str, figure: Callable[[Sample], float], *, less_is_better: bool = False) -> Row:
        return Row(name, median(map(figure, ours)), median(map(figure, peer)), unit, less_is_better=less_is_better)

    room = f"fan-out, room of {SOCKETS:,}"
    return [
        row(room, "deliveries/s", lambda sample: sample.run.rate),
        row(f"{room}, server CPU", "deliveries/CPU-s", lambda sample: sample.per_server_second),
        row(f"{room}, CPU of server, Redis and PostgreSQL", "deliveries/CPU-s", lambda sample: sample.per_any_second),
        row("sockets opened and joined", "sockets/s", lambda sample: sample.opens_per_second),
        row("memory of an open socket", "KiB", lambda sample: sample.bytes_per_socket / 1024, less_is_better=True),
    ]
