"""The other side of the fan-out benchmark: a plain Channels consumer on daphne with the list-based Redis layer."""

import contextlib
import sys
from collections.abc import Iterator

from bench.load import Client, Target
from bench.processes import server
from bench.services import Services
from bench.side import Side
from saas.up.processes import free_port

NAME = "plain consumer"


@contextlib.contextmanager
def serve(services: Services, *, sockets: int, senders: int) -> Iterator[Side]:
    """The peer's server, with nobody connected, until the block ends."""
    port = free_port()
    words = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "bench.peers.plain_consumer:application"]
    environment = {"REDIS_URL": services.redis_url}
    with server(words, port=port, environment=environment, log=services.folder / "peer.log") as pid:
        target = Target(port=port, host=f"localhost:{port}", path="/ws/chat/bench/", delivered='"type": "message"')
        writers = [Client(message='{"message": "{text}"}')] * senders
        clients = [*writers, *[Client()] * (sockets - senders)]
        yield Side(name=NAME, target=target, clients=clients, pid=pid, behind=[services.redis_pid])
