"""Our side of the benchmarks: the server as shipped, with sign-in, limits, journal, PostgreSQL and Redis."""

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from bench.load import Client, Target
from bench.measure import Side
from bench.processes import server
from bench.services import Services, run
from chat.realtime.protocol.codes import SUBPROTOCOL, VERSION
from saas.up.processes import free_port

NAME = "Porchlight"


@dataclass(frozen=True, slots=True)
class Cast:
    """Who is there: a site with its visitors' tokens, a community room for all, and a support room for each of the first."""

    embed_key: str
    community: str
    support: Sequence[str]
    tokens: Sequence[str]

    @classmethod
    def seeded(cls, services: Services, *, visitors: int, support: int) -> Self:
        """Put them into the empty database."""
        return cls(**json.loads(run(["-m", "bench.seed", str(visitors), str(support)], services.ours)))

    def visitor(self, number: int, *, room: str, writes: bool) -> Client:
        """A socket that says hello, joins the room, and perhaps writes in it."""
        hello = {"t": "hello", "v": VERSION, "token": self.tokens[number]}
        join = {"t": "join", "ref": 1, "room": room}
        message = json.dumps({"t": "send", "cid": "{cid}", "room": room, "text": "{text}"})
        greeting = [(json.dumps(hello), '"t":"welcome"'), (json.dumps(join), '"t":"joined"')]
        return Client(f"/ws/w/{self.embed_key}/", message if writes else "", greeting)


@contextlib.contextmanager
def serve(services: Services, *, clients: Sequence[Client]) -> Iterator[Side]:
    """Our server until the block ends."""
    port = free_port()
    words = [sys.executable, "-m", "saas.serve", "--port", str(port)]
    environment = services.ours | {"PORCHLIGHT_BASE_HOST": f"localhost:{port}"}
    with server(words, port=port, environment=environment, log=services.folder / "ours.log") as pid:
        host = f"widget.localhost:{port}"
        target = Target(port, host, delivered='"t":"msg"', refused='"t":"err"', protocol=SUBPROTOCOL)
        yield Side(NAME, target, clients, pid, behind=[services.redis_pid, services.postgres_pid])
