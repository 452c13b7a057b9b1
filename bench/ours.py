"""Our side of the fan-out benchmark: the server as shipped, with sign-in, limits, journal, PostgreSQL and Redis."""

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from bench.load import Client, Target
from bench.processes import server
from bench.services import Services, run
from bench.side import Side
from chat.realtime.protocol.codes import SUBPROTOCOL, VERSION
from saas.up.processes import free_port

NAME = "Porchlight"


@dataclass(frozen=True, slots=True)
class Cast:
    """Who is there: a site, a community room of it, and the token of each visitor."""

    embed_key: str
    room: str
    tokens: Sequence[str]

    @classmethod
    def seeded(cls, services: Services, *, visitors: int) -> Self:
        """Put them into the empty database."""
        return cls(**json.loads(run(["-m", "bench.seed", str(visitors)], services.environment)))

    def clients(self, senders: int) -> list[Client]:
        """A socket for each visitor, which says hello and joins the room; the first `senders` write."""
        join = (json.dumps({"t": "join", "ref": 1, "room": self.room}), '"t":"joined"')
        message = json.dumps({"t": "send", "cid": "{cid}", "room": self.room, "text": "{text}"})
        hellos = [(json.dumps({"t": "hello", "v": VERSION, "token": token}), '"t":"welcome"') for token in self.tokens]
        return [Client(message if number < senders else "", [hello, join]) for number, hello in enumerate(hellos)]


@contextlib.contextmanager
def serve(services: Services, cast: Cast, *, senders: int) -> Iterator[Side]:
    """Our server, with nobody connected, until the block ends."""
    port = free_port()
    words = [sys.executable, "-m", "saas.serve", "--port", str(port)]
    environment = services.environment | {"PORCHLIGHT_BASE_HOST": f"localhost:{port}"}
    with server(words, port=port, environment=environment, log=services.folder / "ours.log") as pid:
        target = Target(
            port=port,
            host=f"widget.localhost:{port}",
            path=f"/ws/w/{cast.embed_key}/",
            protocol=SUBPROTOCOL,
            delivered='"t":"msg"',
            refused='"t":"err"',
        )
        behind = [services.redis_pid, services.postgres_pid]
        yield Side(name=NAME, target=target, clients=cast.clients(senders), pid=pid, behind=behind)
