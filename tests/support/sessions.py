"""Sockets without a server: sessions of this process whose frames are kept."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

from chat.realtime.session import Session
from chat.selectors.messages import Head
from saas.core.fastsocket import payloads
from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.patience import PATIENCE
from tests.support.talk import FAR


@dataclass
class Sink:
    """An outbox that keeps what is written, and the code with which the socket was ended."""

    frames: list[dict[str, Any]] = field(default_factory=list)
    code: int | None = None
    writes: int = 0  # of frames that go to many
    unsent: int = 0

    def write(self, text: bytes) -> bool:
        self.frames.append(json.loads(text))
        return True

    def write_framed(self, framed: bytes) -> bool:
        self.writes += 1
        return all(self.write(text) for text in payloads(framed))

    write_soon = write_framed  # nothing else is written in this turn

    async def close(self, code: int) -> None:
        self.end(code)

    def end(self, code: int) -> None:
        self.code = code

    def release(self) -> None:
        """Nothing is kept."""

    def came(self, frame_type: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["t"] == frame_type]


def session_of(tenant: TenantRef, who: Principal) -> tuple[Session, Sink]:
    """A socket of this person after its `hello`, not yet known to any hub."""
    sink = Sink()
    return Session(tenant, who, sink, sink.end), sink


def someone(tenant: TenantRef, kind: str = "visitor", name: str = "Vic") -> Principal:
    """Anybody, without a row in the database."""
    role, site = ("agent", None) if kind == "agent" else (None, uuid4())
    made = Principal(tenant.id, "visitor", uuid4(), name, role, site, None, str(uuid4()), FAR)
    return replace(made, kind="agent") if kind == "agent" else made


async def comes_true(holds: Callable[[], object]) -> None:
    """Let the others run until it holds."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.005)


def at(seq: int) -> Head:
    """So far in a history that no database holds."""
    return Head(seq, UUID(int=0))
