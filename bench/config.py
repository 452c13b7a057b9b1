"""`GET /w/<key>/config`, which every page view of every customer's site asks for, under a thousand connections."""

import contextlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from statistics import median

from bench import ours
from bench.load import CannotMeasure
from bench.measure import OURS, Bench, Figures
from bench.processes import cpu_seconds, resident_bytes, server
from bench.report import Goal, Row, grid, text
from bench.services import Services
from saas.up.processes import free_port

TITLE = "HTTP: the widget's config"
GUNICORN = "gunicorn, WSGI"
CONNECTIONS, THREADS = 1_000, 8
SECONDS, WARM_UP = 5, 2  # the slower server takes more than a second for each round of all connections

HOW = f"""\
{CONNECTIONS:,} connections are kept alive, and each asks again as soon as it has its answer. Beside our server, the same
Django under gunicorn with one WSGI worker of {THREADS} threads (`gthread`; its default worker keeps no connection alive). The
load generator is `bench/web_load/`. An answer that is not a 200, or not whole, ends the run without a figure. Memory is that
of the processes after the run.
"""


@dataclass(frozen=True, slots=True)
class Served:
    """One run. Latencies in ms, memory in bytes."""

    side: str
    rate: float
    p50_ms: float
    p99_ms: float
    cpu: float
    closed: int  # connections that the server closed
    empty: int
    full: int

    def cells(self) -> list[str]:
        """As a line of the table."""
        memory = [text(self.empty / 2**20), text(self.full / 2**20)]
        latency = [text(self.p50_ms), text(self.p99_ms)]
        return [self.side, text(self.rate), *latency, f"{self.cpu:.2f}", f"{self.closed:,}", *memory]


HEAD = ("side", "requests/s", "p50 ms", "p99 ms", "server CPU s", "closed", "MiB before", "MiB after")
Running = Callable[[], AbstractContextManager[tuple[int, int]]]  # port and process


def measure(bench: Bench) -> Figures:
    """Both, in turn."""
    (tenant,) = ours.Tenant.seeded(bench.services, [{"slug": "config"}])
    path = f"/w/{tenant.embed_key}/config"
    sides: dict[str, Running] = {OURS: partial(_ours, bench.services), GUNICORN: partial(_gunicorn, bench.services)}
    taken: list[Served] = []
    for _ in range(bench.plan.few):
        for name, running in list(sides.items()):
            try:
                taken.append(_take(bench, name, running, path))
            except CannotMeasure as error:
                bench.note(f"{name}: {error}")
                del sides[name]
    return Figures(_rows(taken), grid(HEAD, [one.cells() for one in taken], numbers=range(1, len(HEAD))))


def _take(bench: Bench, name: str, running: Running, path: str) -> Served:
    with running() as (port, pid):
        words = [str(bench.web_load), "--port", str(port), "--host", f"widget.localhost:{port}", "--path", path]
        _run([*words, "--connections", "1", "--seconds", "0.2"])  # so that all is loaded
        empty, cpu = resident_bytes(pid), cpu_seconds(pid)
        limits = ["--connections", str(CONNECTIONS), "--seconds", str(SECONDS), "--warm-up", str(WARM_UP)]
        answer = json.loads(_run([*words, *limits]))
        if not answer["answers"]:
            raise CannotMeasure(f"no answer to {CONNECTIONS:,} connections within {SECONDS} s")
        cpu = cpu_seconds(pid) - cpu
        full = resident_bytes(pid)
    rate = answer["answers"] / answer["seconds"]
    served = Served(name, rate, answer["p50_ms"], answer["p99_ms"], cpu, answer["closed"], empty, full)
    print(f"  {name}: {served.rate:,.0f} requests/s, {served.full / 2**20:.0f} MiB", flush=True)
    return served


def _run(words: list[str]) -> str:
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    if result.returncode:
        raise CannotMeasure(result.stderr.strip()[-400:])
    return result.stdout


@contextlib.contextmanager
def _ours(services: Services) -> Iterator[tuple[int, int]]:
    with ours.serve(services) as side:
        yield side.target.ports[0], side.pids[0]


@contextlib.contextmanager
def _gunicorn(services: Services) -> Iterator[tuple[int, int]]:
    if importlib.util.find_spec("gunicorn") is None:
        raise CannotMeasure("gunicorn is not installed here")
    port = free_port()
    limits = ["--no-control-socket", "--worker-connections", str(2 * CONNECTIONS), "--backlog", "4096", "--keep-alive", "60"]
    words = [sys.executable, "-m", "gunicorn", "bench.wsgi:application", "--bind", f"127.0.0.1:{port}", "--workers", "1"]
    environment = services.ours | {"PORCHLIGHT_BASE_HOST": f"localhost:{port}"}
    options = ["--worker-class", "gthread", "--threads", str(THREADS), *limits]
    with server([*words, *options], port=port, environment=environment, log=services.folder / "gunicorn.log") as pid:
        yield port, pid


def _rows(taken: list[Served]) -> list[Row]:
    ours, theirs = ([one for one in taken if one.side == side] for side in (OURS, GUNICORN))
    name, goal = f"GET config, {CONNECTIONS:,} connections", Goal("at_least", 2_500)
    rate, memory = _median(ours, _rate), _median(ours, _mebibytes)
    return [
        Row(name, "requests/s", rate, GUNICORN, _median(theirs, _rate), goal),
        Row(f"{name}, memory", "MiB", memory, GUNICORN, _median(theirs, _mebibytes), less_is_better=True),
    ]


def _rate(one: Served) -> float:
    return one.rate


def _mebibytes(one: Served) -> float:
    return one.full / 2**20


def _median(taken: list[Served], figure: Callable[[Served], float]) -> float | None:
    return median(map(figure, taken)) if taken else None
