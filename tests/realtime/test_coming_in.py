"""The door in a crowd: who would wait for too long is given an appointment, and comes back when it would have been its turn."""

import asyncio
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from chat.consumers import socket as sockets
from chat.consumers.coming_in import LONGEST_AWAY, LONGEST_WAIT, Door
from chat.consumers.socket import ChatSocket, Ended
from chat.realtime.beats import beats
from chat.realtime.protocol.codes import VERSION, Close
from chat.realtime.protocol.incoming import Hello
from saas.core.errors import Busy
from tenants.context import TenantRef
from tenants.plans import ONE_PLAN
from tenants.tokens import Principal

ACME, GLOBEX = UUID(int=1), UUID(int=2)
EACH = 0.01  # seconds that a welcome takes


class Clock:
    """Time that passes when told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Crowd:
    """Clients of acme at a door that welcomes one at a time."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.door = Door(most=1, each=1, clock=self.clock)
        self.tasks: list[asyncio.Task[None]] = []
        self.gates: list[asyncio.Event] = []

    async def come(self, count: int) -> None:
        self.tasks += [asyncio.ensure_future(self._come()) for _ in range(count)]
        await settle()

    async def _come(self) -> None:
        async with self.door.turn(ACME):
            gate = asyncio.Event()
            self.gates.append(gate)
            await gate.wait()

    async def welcome(self, count: int) -> None:
        for _ in range(count):
            self.clock.now += EACH
            self.gates.pop(0).set()
            await settle()

    async def leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def settle() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


async def busy() -> Crowd:
    """A crowd whose pace is known, with as many waiting as the door lets wait."""
    crowd = Crowd()
    await crowd.come(1_501)
    await crowd.welcome(1_500)
    await crowd.come(round(LONGEST_WAIT / EACH) + 20)
    return crowd


def appointment(door: Door, tenant: UUID = ACME) -> float:
    with pytest.raises(Busy) as refused:
        door.turn(tenant)
    assert refused.value.retry_after is not None
    return refused.value.retry_after


async def test_who_would_wait_for_long_comes_back_one_after_the_other() -> None:
    crowd = await busy()
    waits = [appointment(crowd.door) for _ in range(100)]
    assert waits[0] == pytest.approx(LONGEST_WAIT, rel=0.1)
    steps = [later - before for before, later in pairwise(waits)]
    assert steps == pytest.approx([EACH] * 99, rel=0.1)
    await crowd.leave()


async def test_another_tenant_comes_in_meanwhile() -> None:
    crowd = await busy()
    appointment(crowd.door)
    crowd.door.turn(GLOBEX)  # takes its place in the queue
    await crowd.leave()


async def test_whoever_keeps_an_appointment_is_let_in() -> None:
    crowd = await busy()
    began = crowd.clock.now
    wait = appointment(crowd.door)
    await crowd.welcome(round(LONGEST_WAIT / EACH) - 1)
    assert crowd.clock.now < began + wait  # it comes later
    crowd.door.turn(ACME)
    await crowd.leave()


async def test_nobody_is_sent_away_for_more_than_a_minute() -> None:
    crowd = await busy()
    waits = [appointment(crowd.door) for _ in range(8_000)]
    assert LONGEST_AWAY * 0.8 < max(waits) <= LONGEST_AWAY
    assert min(waits[6_500:]) >= LONGEST_AWAY / 2
    await crowd.leave()


class Line:
    """The way out of a socket whose peer may have gone."""

    def __init__(self, *, is_there: bool) -> None:
        self.is_there = is_there
        self.texts: list[bytes] = []

    def write(self, text: bytes) -> bool:
        self.texts.append(text)
        return self.is_there

    def write_framed(self, framed: bytes) -> bool:
        return self.is_there


TENANT = TenantRef(uuid4(), "acme", "Acme", "t_acme", "active")
VIC = Principal(TENANT.id, "visitor", uuid4(), "Vic", None, uuid4(), None, "sid", 0.0)


def socket_with(line: Line, monkeypatch: pytest.MonkeyPatch) -> tuple[ChatSocket, list[str]]:
    """A socket that says hello over this line, and who was welcomed."""
    welcomed: list[str] = []

    async def admit(*_: Any) -> Any:
        return ONE_PLAN

    async def introduce(*_: Any) -> Principal:
        return VIC

    async def welcome(session: Any, _frame: Hello) -> None:
        welcomed.append(session.principal.name)

    for name, stand_in in {"admit": admit, "introduce": introduce, "welcome": welcome}.items():
        monkeypatch.setattr(sockets, name, stand_in)
    scope = {"tenant": TENANT, "client": ("127.0.0.1", 1), "headers": [], "path": "/ws/agent/"}
    socket = ChatSocket(scope, None, None)  # type: ignore[arg-type]
    socket.outbox = line  # type: ignore[assignment]
    return socket, welcomed


async def test_nobody_is_welcomed_who_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    hello = Hello(v=VERSION, token="")
    gone, welcomed = socket_with(Line(is_there=False), monkeypatch)
    with pytest.raises(Ended):
        await gone._introduce(hello)
    assert welcomed == []
    there, welcomed = socket_with(Line(is_there=True), monkeypatch)
    await there._introduce(hello)
    assert welcomed == ["Vic"]
    beats().remove(there.session)  # type: ignore[arg-type]


async def test_who_is_sent_away_hears_when_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(is_there=True)
    socket, _ = socket_with(line, monkeypatch)
    socket._say_when(Busy("Too many.", retry_after=3.25))
    refusal, bye = map(msgspec.json.decode, line.texts)
    assert (refusal["t"], refusal["code"]) == ("err", "busy")
    assert bye == {"t": "bye", "code": Close.BUSY, "after": 3_250}
