"""Our side of the benchmarks: the server as shipped, with sign-in, limits, journal, PostgreSQL and Redis."""

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from bench.load import Client, Greeting, Target
from bench.measure import Side
from bench.processes import ROOT, server
from bench.services import Services, run
from chat.realtime.protocol.codes import SUBPROTOCOL, VERSION
from saas.up.processes import free_port

WELCOME, JOINED, RESUMED = '"t":"welcome"', '"t":"joined"', '"resumed":true'
BEAT = '{"t":"ping","n":1}'


@dataclass(frozen=True, slots=True)
class Tenant:
    """A seeded tenant: what `bench.seed` says of it. The support rooms are those of the first visitors, in their order."""

    slug: str
    schema: str
    embed_key: str
    visitors: Sequence[dict[str, str]]  # id, token
    support: Sequence[dict[str, str]]  # id, epoch
    community: Sequence[dict[str, str]]
    agents: Sequence[str]  # tickets
    access: Sequence[str]  # tokens for the HTTP API

    @classmethod
    def seeded(cls, services: Services, orders: Sequence[dict[str, Any]]) -> list[Self]:
        """New tenants, one for each order of `bench.seed`."""
        return [cls(**made) for made in json.loads(run(["-m", "bench.seed", json.dumps(orders)], services.ours))]

    def visitor(self, number: int, *, room: dict[str, str] | None, writes: bool = False, after: int | None = None) -> Client:
        """A visitor's socket that says hello, and joins the room; with `after`, one that comes back resumes it from there."""
        hello = {"t": "hello", "v": VERSION, "token": self.visitors[number]["token"]}
        greeting: Greeting = [(json.dumps(hello), WELCOME)]
        again: Greeting = ()
        message = ""
        if room is not None:
            greeting = [*greeting, (json.dumps({"t": "join", "ref": 1, "room": room["id"]}), JOINED)]
            known = [{"room": room["id"], "epoch": room["epoch"], "after": after}]
            again = [(json.dumps(hello | {"rooms": known}), WELCOME), ("", RESUMED)] if after is not None else ()
            message = json.dumps({"t": "send", "cid": "{cid}", "room": room["id"], "text": "{text}"})
        return Client(f"/ws/w/{self.embed_key}/", message if writes else "", greeting, again)

    def agent(self, number: int) -> Client:
        """An agent's socket that says hello."""
        hello = {"t": "hello", "v": VERSION, "token": self.agents[number]}
        return Client("/ws/agent/", greeting=[(json.dumps(hello), WELCOME)])


def collect_static(services: Services) -> None:
    """Put the files together that pages of the console name."""
    run([str(ROOT / "manage.py"), "collectstatic", "--noinput", "--verbosity", "0"], services.ours)


@contextlib.contextmanager
def serve(
    services: Services, *, clients: Sequence[Client] = (), processes: int = 1, host: str = "widget", port: int = 0
) -> Iterator[Side]:
    """Our server until the block ends, as so many processes, each on a port of its own. `host` names the widget or a tenant."""
    ports = [port or free_port()]
    with contextlib.ExitStack() as running:
        pids = [running.enter_context(_process(services, ports[0], ports[0]))]
        for _ in range(1, processes):
            ports.append(free_port())
            pids.append(running.enter_context(_process(services, ports[-1], ports[0])))
        yield Side(_target(ports, host), clients, pids, behind=[services.redis_pid, services.postgres_pid])


def _process(services: Services, port: int, public: int) -> contextlib.AbstractContextManager[int]:
    """One process; all say that they are at the `public` port, as behind a proxy."""
    words = [sys.executable, "-m", "saas.serve", "--port", str(port)]
    environment = services.ours | {"PORCHLIGHT_BASE_HOST": f"localhost:{public}"}
    return server(words, port=port, environment=environment, log=services.folder / f"ours-{port}.log")


def _target(ports: Sequence[int], host: str) -> Target:
    name = f"{host}.localhost:{ports[0]}"
    return Target(ports, name, delivered='"t":"msg"', refused='"t":"err"', protocol=SUBPROTOCOL, beat=BEAT)
