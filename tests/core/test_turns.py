"""Turns: bounded for each and in all, and the owners who wait are served one after the other."""

import asyncio

import pytest

from saas.core import turns as turns_module
from saas.core.errors import Busy
from saas.core.turns import Turns


class Crowd:
    """Calls that hold their turn until they are told to end."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.began: list[str] = []
        self.gates: list[asyncio.Event] = []

    def come(self, owner: str) -> "asyncio.Task[None]":
        return asyncio.ensure_future(self._hold(owner))

    async def _hold(self, owner: str) -> None:
        async with self.turns.of(owner):
            gate = asyncio.Event()
            self.began.append(owner)
            self.gates.append(gate)
            await gate.wait()

    async def let_go(self, count: int) -> None:
        for _ in range(count):
            self.gates.pop(0).set()
            await settle()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def crowd() -> Crowd:
    return Crowd(Turns(most=4, each=3))


async def test_a_crowd_of_one_leaves_room_for_another(crowd: Crowd) -> None:
    tasks = [crowd.come("noisy") for _ in range(50)]
    await settle()
    assert crowd.began == ["noisy"] * 3
    tasks.append(crowd.come("quiet"))
    await settle()
    assert crowd.began == ["noisy"] * 3 + ["quiet"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_who_waits_is_served_in_turn(crowd: Crowd) -> None:
    tasks = [crowd.come(owner) for owner in ["a"] * 3 + ["b"] * 3 + ["c"] * 3]
    await settle()
    assert crowd.began == ["a", "a", "a", "b"]
    await crowd.let_go(5)
    assert crowd.began[4:] == ["b", "c", "b", "c", "c"]
    await crowd.let_go(4)
    await asyncio.gather(*tasks)


async def test_who_goes_while_waiting_or_within_leaves_the_place_to_others(crowd: Crowd) -> None:
    tasks = [crowd.come("a") for _ in range(6)]
    await settle()
    for task in tasks[2:4]:  # one that holds its turn, and one that waits
        task.cancel()
    await settle()
    assert len(crowd.began) == 4
    await crowd.let_go(4)
    await settle()
    await crowd.let_go(len(crowd.gates))
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(crowd.began) == 5


async def test_who_is_given_a_turn_and_goes_at_once_gives_it_back() -> None:
    crowd = Crowd(Turns(most=1, each=1))
    first, second, third = (crowd.come("a") for _ in range(3))
    await settle()
    crowd.gates[0].set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second.cancel()
    await settle()
    crowd.gates[-1].set()
    await asyncio.gather(first, second, third, return_exceptions=True)
    assert third.done()
    assert not third.cancelled()


async def test_too_many_waiting_are_told_to_come_back(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "MOST_WAITING", 2)
    tasks = [crowd.come("a") for _ in range(6)]
    await settle()
    assert isinstance(tasks[5].exception(), Busy)
    tasks.append(crowd.come("b"))
    await settle()
    assert crowd.began[-1] == "b"
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Clock:
    """Time that passes when told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


async def served(crowd: Crowd, clock: Clock, *, count: int, each: float) -> None:
    """So many turns are given back, one in each so many seconds."""
    for _ in range(count):
        clock.now += each
        await crowd.let_go(1)


async def test_who_comes_can_know_when_it_would_be_its_turn() -> None:
    clock = Clock()
    crowd = Crowd(Turns(most=2, each=2, clock=clock))
    tasks = [crowd.come("a") for _ in range(1_502)]
    await settle()
    assert crowd.turns.expected("a") == 0.0  # nothing is known yet
    await served(crowd, clock, count=1_000, each=0.01)
    assert crowd.turns.expected("a") == pytest.approx(500 * 0.01, rel=0.02)
    assert crowd.turns.expected("b") == 0.0
    tasks += [crowd.come("b") for _ in range(100)]
    await settle()
    assert crowd.turns.expected("b") == pytest.approx(100 * 2 * 0.01, rel=0.02)  # they are served in turn
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_turn_that_hung_says_little_of_the_pace() -> None:
    clock = Clock()
    crowd = Crowd(Turns(most=2, each=2, clock=clock))
    tasks = [crowd.come("a") for _ in range(1_102)]
    await settle()
    await served(crowd, clock, count=1_000, each=0.01)
    await served(crowd, clock, count=1, each=60.0)
    assert crowd.turns.step() < 0.011
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
