"""Two processes behind nginx, restarted one after the other under a crowd: `make rolling-restart` records it.

The crowd of bench/load holds a socket each and does as our client does. Beside it people of tests/chaos write all the time,
through nginx too, and in the end what they said and saw is compared with the database.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from bench.load import Client, Load, Stay, Target, build
from bench.ours import BEAT, JOINED, WELCOME
from bench.services import LIMITS, allow_many_files
from chat.realtime.protocol.codes import SUBPROTOCOL
from tests.chaos.cast import Cast, cast_of, principal_of, token_of
from tests.chaos.ground import Ground
from tests.chaos.play import new_seed
from tests.chaos.setting import Setting
from tests.chaos.stage import Stage, stage
from tests.chaos.verdict import Verdict
from tests.support.nginx import PLAIN, Nginx
from tests.support.server import Server, lasting_port

LONGEST: Final = 5.0  # seconds that anybody may be without service
MOST_AT_ONCE: Final = 0.6  # of the crowd within one second: each half is told to spread over two, and let go over two more
PAUSE: Final = 2.0  # seconds between one restart and the next, in which people talk


@dataclass(frozen=True)
class Restarted:
    """What became of it. `gaps`: seconds in which one of those who write had no ack, at most, for each restart."""

    sockets: int
    stay: Stay
    gaps: list[float]
    drained: list[float]  # seconds from SIGTERM to the end of each process
    started: list[float]  # and from then until the next one was ready
    verdict: Verdict
    calm: bool
    complaints: list[str]

    def problems(self, *, longest: float = LONGEST, at_once: float = MOST_AT_ONCE) -> list[str]:
        """What was promised and did not hold.

        Nobody may be without service for `longest` seconds, and less than the share `at_once` may come within one second.
        """
        promises = {
            "not everything was answered and seen": self.calm,
            f"lost, doubled or disordered: {self.verdict.findings}": self.verdict.is_clean,
            "not all lost their server and came back": self.stay.lost == self.stay.ready == self.sockets,
            f"a socket was {self.stay.longest:.1f} s without service": self.stay.longest < longest,
            f"a writer was {max(self.gaps):.1f} s without service": max(self.gaps) < longest,
            f"{self.stay.busiest} came within one second": self.stay.busiest < at_once * self.sockets,
        }
        return [*self.complaints, *(words for words, held in promises.items() if not held)]

    def row(self) -> dict[str, Any]:
        """As it is published."""
        return {
            "sockets": self.sockets,
            "sockets_lost": self.stay.lost,
            "sockets_back": self.stay.ready,
            "returns": self.stay.returns,
            "half_back_seconds": self.stay.half,
            "longest_seconds": self.stay.longest,
            "most_in_one_second": self.stay.busiest,
            "writers_gap_seconds": [round(gap, 2) for gap in self.gaps],
            "drain_seconds": [round(each, 2) for each in self.drained],
            "start_seconds": [round(each, 2) for each in self.started],
            **self.verdict.totals(),
        }


@contextmanager
def before(workers: Sequence[Server], port: int) -> Iterator[Server]:
    """nginx without TLS, which the crowd does not speak, on this port; as an address to go to."""
    ports = [worker.port for worker in workers]
    with Nginx(web=ports, ws=ports, changes=PLAIN, tls=port) as nginx:
        yield Server("uvicorn", port, nginx.folder / "access.log", {})


def crowd_of(base: Ground, count: int) -> list[Client]:
    """So many visitors of a tenant of their own, each with a socket in their own support room."""
    (made,) = base.seed([f"crowd-{token_hex(5)}"], agents=1, visitors=count)
    cast = cast_of(made)
    return [_client(cast, one) for one in made["visitors"]]


def _client(cast: Cast, one: dict[str, Any]) -> Client:
    hello = {"t": "hello", "v": 1, "token": token_of(cast, principal_of(cast, "visitor", one))}
    join = {"t": "join", "ref": 1, "room": one["room"]}
    return Client(f"/ws/w/{cast.made['key']}/", greeting=[(json.dumps(hello), WELCOME), (json.dumps(join), JOINED)])


async def restart_all(base: Ground, sockets: int) -> Restarted:
    """Restart both processes under so many sockets. Raises `CannotMeasure` where there is no C compiler."""
    allow_many_files()
    port = lasting_port()
    with tempfile.TemporaryDirectory(prefix="porchlight-rolling-") as made:
        folder = Path(made)
        program = await asyncio.to_thread(build, folder)
        variables = {"PORCHLIGHT_BASE_HOST": f"localhost:{port}", "TRUST_PROXY": "1", "LIMITS": LIMITS}
        setting = Setting(variables=variables, door=lambda workers: before(workers, port))
        clients = await asyncio.to_thread(crowd_of, base, sockets)
        async with stage(base, setting, seed=new_seed(), seconds=60.0) as run:
            await run.recovered()
            name = f"widget.localhost:{port}"
            target = Target([port], name, delivered='"t":"msg"', refused='"t":"err"', protocol=SUBPROTOCOL, beat=BEAT)
            load = await asyncio.to_thread(Load(program, target, clients).__enter__)
            try:
                return await _roll(run, load, len(clients))
            finally:
                load.__exit__()


async def _roll(run: Stage, load: Load, sockets: int) -> Restarted:
    gaps, drained, started = [], [], []
    load.begin_stay()
    for worker in run.workers:
        began = run.clock()
        worker.terminate()
        status = await asyncio.to_thread(worker.wait)
        drained.append(run.clock() - began)
        if status:
            run.complaints.append(f"a drained process ended with status {status}")
        gaps.append(await run.recovered(began))
        start = run.clock()
        await run.revive(worker)
        started.append(run.clock() - start)
        await asyncio.sleep(PAUSE)
    stay = await asyncio.to_thread(load.stayed)
    calm = await run.calm()
    return Restarted(sockets, stay, gaps, drained, started, await run.judge(), calm, run.complaints)
