"""The peer of the fan-out benchmark: a plain Channels consumer on daphne with the list-based Redis layer."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.load import Client, Target
from bench.processes import free_port, server
from bench.side import Side

NAME = "plain Channels consumer, daphne, list layer"


@contextlib.contextmanager
def serve(*, folder: Path, redis_url: str, redis_pid: int, sockets: int, senders: int) -> Iterator[Side]:
    """The peer's server, with nobody connected, until the block ends."""
    port = free_port()
    words = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "bench.peers.plain_consumer:application"]
    log = folder / "peer.log"
    with server(words, port=port, environment={"REDIS_URL": redis_url}, log=log) as pid:
        target = Target(port=port, host=f"localhost:{port}", path="/ws/chat/bench/", delivered='"type": "message"')
        writers = [Client(message='{"message": "{text}"}')] * senders
        yield Side(name=NAME, target=target, clients=[*writers, *[Client()] * (sockets - senders)], pid=pid, behind=[redis_pid])
