"""Consumers as tutorials for Channels write them, on daphne with the list-based Redis layer."""

import contextlib
import sys
from collections.abc import Iterator, Sequence

from bench.load import Client, Target
from bench.measure import Side
from bench.processes import server
from bench.services import Services
from saas.up.processes import free_port

NAME = "plain consumer"
MESSAGE = '{"message": "{text}"}'


def clients(rooms: Sequence[object], *, senders: int) -> list[Client]:
    """A socket for each entry of `rooms`, in that room; the first so many write."""
    return [Client(f"/ws/chat/{room}/", MESSAGE if number < senders else "") for number, room in enumerate(rooms)]


@contextlib.contextmanager
def serve(services: Services, *, application: str, clients: Sequence[Client]) -> Iterator[Side]:
    """One of the consumers here until the block ends."""
    port = free_port()
    module = f"bench.peers.{application}:application"
    words = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), module]
    with server(words, port=port, environment=services.peer, log=services.folder / "plain.log") as pid:
        target = Target([port], f"localhost:{port}", delivered='"type": "message"')
        yield Side(target, clients, [pid], behind=[services.redis_pid, services.postgres_pid])
