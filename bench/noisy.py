"""A neighbour's latency beside a tenant that floods: one server, in one run, in turn alone and beside the flood.

Sockets and HTTP have a process each, as in every deployment of ours; the flood with all of it at the first is measured, too.

`measure` gives the numbers. Both clients are C: what is measured is the server, not the measuring. The flood is kept to one core,
and has of it what nobody else wants; so has a program that only burns that core, as a control. Who calls it sees to it that all
else has the cores first. Turns are many and short: a bad moment of the machine spoils few.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import IO
from uuid import uuid4

from bench import cores, ours
from bench.load import CannotMeasure, Load, Order, Run, Target
from bench.processes import cpu_seconds
from bench.services import Services
from chat.realtime.protocol.codes import SUBPROTOCOL, VERSION
from saas.up.processes import die_with_parent

# What each tenant may do in a second, and at once. The flood does `TIMES` as much.
MESSAGES, HISTORY, HELLOS, REQUESTS, TIMES = 200, 50, 50, 20, 20
QUOTAS = {"chat.send.tenant": MESSAGES, "chat.history.tenant": HISTORY, "chat.hello.tenant": HELLOS, "http.tenant": REQUESTS}
OF_ADDRESSES = [f"{name.removesuffix('tenant')}ip=1000000/10" for name in QUOTAS]  # all of a tenant comes from one
LIMITS = " ".join([*OF_ADDRESSES, *(f"{name}={times}/1" for name, times in QUOTAS.items())])

TALKERS, VISITORS, ASKERS = 20, 20, 20  # connections of the flood; the visitors come and go
SPEAKERS, PACE = 20, 200.0  # the neighbour's sockets, and its messages a second
ROUNDS, LEAD = 15, 1.5  # how often each part has its turn; seconds until the flood is under way
ALONE, BUSY = "alone", "beside a busy core"
FLOOD, ONE_PROCESS = "beside the flood, sockets and HTTP apart", "beside the flood, all of it at one process"
MODEST = "beside the same tenant within its limits"

Counted = dict[str, int]


@dataclass(frozen=True, slots=True)
class Part:
    """What was measured of the neighbour in one kind of company; latencies in ms, CPU in percent of a core."""

    runs: list[Run] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def p50(self) -> float:
        return median(run.p50_ms for run in self.runs)

    @property
    def p99(self) -> float:
        """The median of all turns: one spike decides nothing."""
        return median(run.p99_ms for run in self.runs)


@dataclass(frozen=True, slots=True)
class Noise:
    """The parts by name, and what the flood counted in each of its turns of so many seconds."""

    parts: dict[str, Part]
    floods: list[Counted]
    seconds: float


def measure(services: Services, *, load: Path, flood: Path, seconds: float, rounds: int = ROUNDS) -> Noise:
    """The programs are compiled. Raises `CannotMeasure`, also when the neighbour is refused anything."""
    visitors = {"noisy": TALKERS + VISITORS, "quiet": SPEAKERS}
    orders = [
        {"slug": f"{name}-{uuid4().hex[:6]}", "visitors": count, "support": count, "programs": 1}
        for name, count in visitors.items()
    ]
    noisy, quiet = ours.Tenant.seeded(services, orders)
    limited = replace(services, ours=services.ours | {"LIMITS": LIMITS})
    with ours.serve(limited, processes=2) as side:
        cores.put_behind(side.pids[1])
        clients = [quiet.visitor(number, room=room, writes=True) for number, room in enumerate(quiet.support)]
        sockets, requests = side.target.ports
        with contextlib.ExitStack() as stack:
            neighbour = stack.enter_context(Load(load, replace(side.target, ports=[sockets]), clients))
            flooding = stack.enter_context(_flooding(flood, side.target, noisy, ports=(sockets, requests)))
            crowding = stack.enter_context(_flooding(flood, side.target, noisy, ports=(sockets, sockets)))
            modest = stack.enter_context(_flooding(flood, side.target, noisy, ports=(sockets, requests), times=1))
            company: dict[str, Callable[[], AbstractContextManager[None]]] = {
                ALONE: contextlib.nullcontext,
                BUSY: _busy_core,
                FLOOD: partial(flooding.turn, LEAD + seconds + 1),
                ONE_PROCESS: partial(crowding.turn, LEAD + seconds + 1),
                MODEST: partial(modest.turn, LEAD + seconds + 1),
            }
            noise = Noise({name: Part() for name in company}, flooding.counted, LEAD + seconds + 1)
            neighbour.run(Order(2, rate=PACE))  # warm
            for _ in range(rounds):
                for name, beside in company.items():
                    with beside():
                        time.sleep(LEAD)
                        _take(noise.parts[name], neighbour, side.pids[0], seconds)
    return noise


def _take(part: Part, neighbour: Load, pid: int, seconds: float) -> None:
    before, began = cpu_seconds(pid), time.perf_counter()
    part.runs.append(neighbour.run(Order(seconds, rate=PACE)))
    part.cpu.append((cpu_seconds(pid) - before) / (time.perf_counter() - began) * 100)


@dataclass(slots=True)
class _Flooding:
    """The flood, which waits for its turns."""

    process: subprocess.Popen[str]
    counted: list[Counted] = field(default_factory=list)

    @contextlib.contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """It floods for so long; the block takes less."""
        _say(self.process, f"flood {seconds}\n")
        yield
        line = _pipe(self.process.stdout).readline()
        if not line:
            raise CannotMeasure(f"the flood has ended: {_pipe(self.process.stderr).read().strip()[-300:]}")
        self.counted.append(json.loads(line))


@contextlib.contextmanager
def _flooding(
    program: Path, target: Target, tenant: ours.Tenant, *, ports: tuple[int, int], times: int = TIMES
) -> Iterator[_Flooding]:
    sockets, requests = map(str, ports)
    words = [str(program), "--port", sockets, "--api-port", requests]
    words += ["--frames", str(MESSAGES * times), "--requests", str(REQUESTS * times)]
    with _apart(words) as process:
        _say(process, "".join("\t".join(line) + "\n" for line in _lines(target, tenant)) + "begin\n")
        yield _Flooding(process)


def _lines(target: Target, tenant: ours.Tenant) -> Iterator[Sequence[str]]:
    """Its connections, as the program reads them: people who talk, people who come and go, and a program that asks the API."""
    api = target.host.replace("widget", tenant.slug, 1)
    for number, (who, room) in enumerate(zip(tenant.visitors, tenant.support, strict=True)):
        hello = json.dumps({"t": "hello", "v": VERSION, "token": who["token"]})
        place = [target.host, f"/ws/w/{tenant.embed_key}/", SUBPROTOCOL, hello]
        join = json.dumps({"t": "join", "ref": 1, "room": room["id"]})
        send = json.dumps({"t": "send", "cid": "{cid}", "room": room["id"], "text": "noise"})
        history = json.dumps({"t": "history", "ref": 2, "room": room["id"], "before": 99})
        yield ["talk" if number < TALKERS else "visit", *place, join, send, history]
    for _ in range(ASKERS):
        yield ["ask", api, "/api/v1/rooms", tenant.access[0]]


@contextlib.contextmanager
def _busy_core() -> Iterator[None]:
    with _apart([sys.executable, "-c", "while True: pass"]):
        yield


@contextlib.contextmanager
def _apart(words: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A program with the last core and what is left of its time, so that the kernel's sharing is not taken for the server's."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True, preexec_fn=die_with_parent
    )
    cores.put_last(process.pid)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _say(process: subprocess.Popen[str], words: str) -> None:
    stdin = _pipe(process.stdin)
    stdin.write(words)
    stdin.flush()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None  # asked for in Popen
    return pipe
