"""The door in a crowd: who would wait for too long is given an appointment, and comes back when it would have been its turn."""

import asyncio
from itertools import pairwise
from uuid import UUID

import pytest

from chat.consumers.coming_in import LONGEST_AWAY, LONGEST_WAIT, Door
from saas.core.errors import Busy

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
