"""One of the two sides of a benchmark: a running server, and who connects to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.load import Client, Target


@dataclass(frozen=True, slots=True)
class Side:
    """`pid` is the server's process; `behind` those of the services that work for it (Redis, PostgreSQL)."""

    name: str
    target: Target
    clients: Sequence[Client]
    pid: int
    behind: Sequence[int]
