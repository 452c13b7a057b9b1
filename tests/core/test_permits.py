"""Permits on credit: what is hot is limited over all processes without waiting for Redis, and never unlimited without it."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
import redis
from pytest_django import Settings

from saas.core.ratelimit import Counter, Limit, Permits, SharedTier, absence, permits_on_credit, shared
from saas.core.ratelimit.limit import network_of
from saas.core.ratelimit.permits_on_credit import MOST_LEASED
from saas.up.redis import RedisServer
from tests.support.patience import PATIENCE
from tests.support.server import lasting_port

HUNDRED = Limit("hundred", 100, 3600)
LEASE = 25  # a quarter
PERSON = Limit("person", 10, 3600)
TENANT = Limit("tenant", 1_000_000, 3600)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[RedisServer, str]]:
    running = RedisServer(lasting_port())
    yield running, running.__enter__()
    running.__exit__()


@pytest.fixture
def url(server: tuple[RedisServer, str], patient: None) -> str:
    """An empty Redis, which may take its time."""
    with redis.Redis.from_url(server[1]) as client:
        client.flushall()
    return server[1]


def one_of(process: Permits, *limits: Limit) -> list[Counter]:
    return [process.counter(limit, "t", "k") for limit in limits]


async def spend(process: Permits, counters: list[Counter], tries: int) -> int:
    """How many of so many tries were let through."""
    return sum([not await process.a_take(counters) for _ in range(tries)])


async def all_settled(*processes: Permits) -> None:
    for process in processes:
        await process._settle_now()


async def test_one_process_counts_exactly() -> None:
    alone = Permits(None)
    assert await spend(alone, one_of(alone, HUNDRED), 300) == 100


async def test_all_of_several_counters_or_none() -> None:
    alone = Permits(None)
    both = one_of(alone, HUNDRED, PERSON)
    assert await spend(alone, both, 50) == 10
    assert await spend(alone, both[:1], 300) == 90, "what the person was refused was not charged to the hundred"


async def test_a_refusal_says_when_to_come_back() -> None:
    began, alone = time.monotonic(), Permits(None)
    counters = one_of(alone, PERSON)
    await spend(alone, counters, 10)
    wait = alone.take(counters) or 0
    assert 360 - (time.monotonic() - began) <= wait <= 360


@pytest.mark.parametrize("count", [1, 2, 5])
async def test_all_processes_together_stay_within_the_bound(url: str, count: int) -> None:
    processes = [Permits(SharedTier(url)) for _ in range(count)]
    passed = await asyncio.gather(*(spend(process, one_of(process, HUNDRED), 300) for process in processes))
    assert 100 <= sum(passed) <= 100 + count * LEASE
    assert [await spend(process, one_of(process, HUNDRED), 20) for process in processes] == [0] * count


async def test_what_went_beyond_is_missing_later(url: str) -> None:
    left, right = Permits(SharedTier(url)), Permits(SharedTier(url))
    fast = Limit("fast", 100, 1)
    began = time.monotonic()
    tried, passed = [began], 0
    while tried[-1] - began < 2:
        passed += sum(await asyncio.gather(spend(left, one_of(left, fast), 5), spend(right, one_of(right, fast), 5)))
        await asyncio.sleep(0.005)
        tried.append(time.monotonic())
    due = sum(min(100 * (after - before), 10) for before, after in pairwise(tried))  # no more than was tried each time
    assert due * 0.8 < passed <= 100 + 100 * (tried[-1] - began) + 2 * LEASE


async def test_another_process_learns_what_was_used(url: str) -> None:
    left, right = Permits(SharedTier(url)), Permits(SharedTier(url))
    mine, theirs = one_of(left, HUNDRED), one_of(right, HUNDRED)
    assert await spend(left, mine, 200) == 100
    await all_settled(left)
    assert right.take(theirs) == 0, "on credit"
    await all_settled(right)
    assert (right.take(theirs) or 0) > 0


async def test_several_counters_are_settled_in_one_call(url: str) -> None:
    process = Permits(SharedTier(url))
    with redis.Redis.from_url(url) as client:
        await spend(process, one_of(process, PERSON, HUNDRED, TENANT), 2)
        await all_settled(process)
        client.config_resetstat()
        await spend(process, one_of(process, PERSON, HUNDRED, TENANT), 2)
        await all_settled(process)
        calls = client.info("commandstats")
        assert calls["cmdstat_evalsha"]["calls"] == 1
        assert {key.decode() for key in client.scan_iter()} == {"rl:t:person:k", "rl:t:hundred:k", "rl:t:tenant:k"}


async def test_what_is_spent_during_a_settlement_waits_for_the_next(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    process, calls = Permits(SharedTier(url)), 0
    counters = one_of(process, TENANT)

    async def a_charge(self: SharedTier, keys: list[str], arguments: list[float]) -> list[float]:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.001)
        return [0.0] * len(keys)

    monkeypatch.setattr(SharedTier, "a_charge", a_charge)
    began = time.monotonic()
    for _ in range(200):  # always something is spent while Redis is asked, and never half of the lease
        assert process.take(counters) == 0
        await asyncio.sleep(0.0005)
    assert 1 <= calls <= (time.monotonic() - began) / permits_on_credit.SETTLE_SECONDS + 1
    async with asyncio.timeout(PATIENCE):
        while counters[0].unsettled:
            await asyncio.sleep(0.01)


async def test_a_permit_never_waits_for_redis(url: str) -> None:
    process = Permits(SharedTier(url))
    counters = one_of(process, TENANT)
    assert counters[0].lease == MOST_LEASED
    assert [process.take(counters) for _ in range(MOST_LEASED)] == [0.0] * MOST_LEASED, "at once, before Redis was asked"
    assert process.take(counters) is None, "the credit is used up"
    assert await process.a_take(counters) == 0.0
    assert process.take(counters) == 0.0


async def test_redis_away_leaves_each_process_half() -> None:
    process = Permits(SharedTier("redis://127.0.0.1:1/0"))
    assert await spend(process, one_of(process, HUNDRED), 300) <= 50 + LEASE
    assert (process.take(one_of(process, HUNDRED)) or 0) > 0


@asynccontextmanager
async def stopped(url: str) -> AsyncIterator[None]:
    """Redis hangs: it takes connections and answers nothing."""
    with redis.Redis.from_url(url) as client:
        pid = int(client.info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_a_redis_that_hangs_costs_one_short_wait_and_the_count_goes_on_when_it_wakes(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(absence, "AWAY", 0.5)
    monkeypatch.setattr(permits_on_credit, "AWAY", 0.5)
    process = Permits(SharedTier(url))
    counters, began = one_of(process, HUNDRED), time.time()
    await spend(process, counters, 1)
    await all_settled(process)
    async with stopped(url):
        with monkeypatch.context() as hanging:
            told = told_to(hanging)
            for module in (shared, permits_on_credit):
                hanging.setattr(module, "TIMEOUT", absence.TIMEOUT)
            passed, takes = 0, [time.monotonic()]
            for _ in range(300):
                passed += not await process.a_take(counters)
                takes.append(time.monotonic())
    waits = [after - before for before, after in pairwise(takes)]
    assert sum(wait > 0.1 for wait in waits) < 10, "one wait of 250 ms, and where the machine stood still"
    assert max(waits) < PATIENCE / 2, "or only the client's own patience ended it"
    assert 1 <= len(told) <= 1 + sum(waits) / absence.AWAY, "and in between Redis is left alone"
    assert LEASE <= passed <= 50 + LEASE
    async with asyncio.timeout(PATIENCE):
        while counters[0].unsettled:
            await asyncio.sleep(0.05)
    with redis.Redis.from_url(url) as client:
        ahead, took = float(client.get("rl:t:hundred:k") or 0) - time.time(), time.time() - began
    assert (passed + 1) * 36 - took - 1 < ahead < (passed + 1 + sum(told)) * 36, "all is charged, and what hung perhaps twice"


def told_to(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Of how many permits of one counter Redis is told from now on, each time that it is not known to be away."""
    told: list[float] = []
    charge = SharedTier.a_charge

    async def a_charge(self: SharedTier, keys: list[str], arguments: list[float]) -> list[float]:
        if not self.is_away:
            told.append(arguments[2])
        return await charge(self, keys, arguments)

    monkeypatch.setattr(SharedTier, "a_charge", a_charge)
    return told


async def test_an_emptied_redis_forgets_nothing_of_this_processs_own(url: str) -> None:
    process = Permits(SharedTier(url))
    counters = one_of(process, HUNDRED)
    assert await spend(process, counters, 90) == 90
    await all_settled(process)
    with redis.Redis.from_url(url) as client:
        client.flushall()
    assert await spend(process, counters, 90) == 10


async def test_who_comes_back_finds_the_same_counter() -> None:
    alone = Permits(None)
    await spend(alone, one_of(alone, HUNDRED), 100)
    assert (alone.take(one_of(alone, HUNDRED)) or 0) > 0, "nobody held it meanwhile"


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permits_on_credit, "SWEEP_AT", 10)
    monkeypatch.setattr(permits_on_credit, "MOST_OWING", 40)
    alone = Permits(None)
    alone._sweep_at = 10
    for number in range(1000):
        alone.take([alone.counter(HUNDRED, "t", number)])
    assert len(alone._owing) <= 41


async def test_a_larger_plan_counts_at_once() -> None:
    alone = Permits(None)
    held = one_of(alone, PERSON)
    assert await spend(alone, held, 30) == 10
    one_of(alone, PERSON.scaled(3))
    assert await spend(alone, held, 60) == 20


def test_the_operator_may_put_other_numbers(settings: Settings) -> None:
    settings.LIMITS = {"person": (3, 7.0)}
    made = Limit("person", 10, 3600, "person")
    assert (made.times, made.per, made.scope) == (3, 7.0, "person")
    assert (made.scaled(2).times, made.tighter().times) == (6, 1)
    assert Limit("another", 10, 3600).times == 10


@pytest.mark.parametrize(
    ("address", "one", "wide"),
    [
        ("203.0.113.9", "203.0.113.9/32", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9/32", "203.0.113.0/24"),
        ("testclient", "testclient", "testclient"),
    ],
)
def test_an_address_stands_for_a_household(address: str, one: str, wide: str) -> None:
    assert network_of(address) == one
    assert network_of(address, wide=True) == wide
