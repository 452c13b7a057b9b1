"""Two servers and the Redis between them: what is said on one is heard on the other."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from saas.up.redis import RedisServer
from tests.support.server import Server, lasting_port, make_server
from tests.support.sockets import ChatSocket, Doors

Sides = tuple[Doors, Doors]  # the doors of both

# How a program begins that only rings the bell: its one word is not lost because the machine is slow.
PATIENTLY = "from chat.realtime import line; line.SEND_SECONDS = line.STOP_SECONDS = 15.0"


@dataclass
class Pair:
    """Two servers, and the Redis between them. A test may kill any of them."""

    left: Server
    right: Server
    redis: RedisServer

    def complaints(self) -> list[str]:
        return self.left.complaints() + self.right.complaints()

    def bring_redis_back(self) -> None:
        """Start the killed Redis again: it is empty, and where it was."""
        self.redis.__exit__()
        self.redis.__enter__()


@contextmanager
def a_pair(**variables: str) -> Iterator[Pair]:
    """Two started servers with these environment variables, and Redis; all are stopped at the end of the block."""
    redis = RedisServer(lasting_port())
    with redis as url, two_servers(url, **variables) as (left, right):
        yield Pair(left, right, redis)


@contextmanager
def two_servers(redis_url: str, **variables: str) -> Iterator[tuple[Server, Server]]:
    """Two started servers, stopped at the end of the block."""
    left, right = (make_server("uvicorn", redis_url=redis_url, **variables).launch() for _ in range(2))
    try:
        for server in (left, right):
            server.await_ready()
        yield left, right
    finally:
        for server in (left, right):
            server.stop()
            server.log.unlink(missing_ok=True)


async def doorbell_rings(widget: ChatSocket, inbox: ChatSocket, room: UUID) -> None:
    """Lines arrive at once again: five in a row faster than any repair."""
    clock, in_a_row = asyncio.get_running_loop().time, 0
    async with asyncio.timeout(90):
        while in_a_row < 5:
            ack = await widget.send(room, "are you there?")
            begin = clock()
            await inbox.expect("msg", seq=ack["seq"], seconds=40)  # the next ping tells what a bus in trouble did not
            in_a_row = in_a_row + 1 if clock() - begin < 0.2 else 0
