"""Limits: how often, per tenant first, in this process or in all, and never off."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
import redis
from pytest_django import Settings

from saas.core import ratelimit
from saas.core.errors import RateLimited
from saas.core.ratelimit import PLATFORM, Limit, Meter, a_check, absence, check, local
from saas.up.redis import RedisServer
from tests.support.patience import PATIENCE
from tests.support.server import lasting_port

THREE = Limit("three", times=3, per=60)
FAST = Limit("fast", times=2, per=0.2)
Count = Callable[[Limit, Any, object], None]


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with RedisServer(lasting_port()) as url:
        yield url


@pytest.fixture
def with_redis(redis_url: str, settings: Settings, patient: None) -> Iterator[redis.Redis]:
    """Limits are shared through a Redis; yields a client that looks into it."""
    settings.REDIS_HOSTS = [redis_url]
    ratelimit.forget_all()
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        client.flushall()
        yield client


def count(check: Count, limit: Limit, tenant: object = "t", key: object = "k", *, tries: int = 10) -> int:
    """How many of so many tries were let through."""
    passed = 0
    for _ in range(tries):
        try:
            check(limit, tenant, key)
        except RateLimited:
            continue
        passed += 1
    return passed


def in_a_loop(limit: Limit, tenant: Any, key: object) -> None:
    asyncio.run(a_check(limit, tenant, key))


@pytest.mark.parametrize("way", [check, in_a_loop])
def test_so_many_at_once_and_no_more(way: Count) -> None:
    assert count(way, THREE) == 3


@pytest.mark.parametrize("way", [check, in_a_loop])
def test_so_many_at_once_and_no_more_in_redis(way: Count, with_redis: redis.Redis) -> None:
    assert count(way, THREE) == 3
    assert with_redis.keys() == ["rl:t:three:k"]
    assert 0 < with_redis.pttl("rl:t:three:k") <= 60_001


@pytest.mark.parametrize("shared", [False, True])
def test_what_was_refused_says_when_to_come_back(shared: bool, request: pytest.FixtureRequest) -> None:
    if shared:
        request.getfixturevalue("with_redis")
    began = time.monotonic()
    count(check, THREE)
    with pytest.raises(RateLimited) as refused:
        check(THREE, "t", "k")
    assert 19.9 - (time.monotonic() - began) < (refused.value.retry_after or 0) <= 20.1


def test_a_clock_of_redis_that_was_set_back_shuts_nobody_out(with_redis: redis.Redis) -> None:
    with_redis.set("rl:t:three:k", f"{time.time() + 3_600:.6f}", px=3_660_000)
    with pytest.raises(RateLimited) as refused:
        check(THREE, "t", "k")
    assert 0 < (refused.value.retry_after or 0) <= 20.1
    assert float(with_redis.get("rl:t:three:k") or 0) - time.time() <= 60.1, "no more than a whole burst is owed from now on"
    assert with_redis.pttl("rl:t:three:k") <= 60_001


@pytest.mark.parametrize("shared", [False, True])
def test_after_that_time_one_more_is_let_through(shared: bool, request: pytest.FixtureRequest) -> None:
    if shared:
        request.getfixturevalue("with_redis")
    began = time.monotonic()
    passed = count(check, FAST)
    assert passed >= 2
    while count(check, FAST, tries=1) == 0:
        assert time.monotonic() < began + PATIENCE
    passed += 1 + count(check, FAST)
    assert passed <= 2 + (time.monotonic() - began) / FAST.each + 0.1, "one for each tenth of a second, not all"


def test_tenants_keys_and_limits_do_not_share(with_redis: redis.Redis) -> None:
    acme, globex = uuid4(), uuid4()
    assert count(check, THREE, acme) == 3
    assert count(check, THREE, globex) == 3
    assert count(check, THREE, acme, "other") == 3
    assert count(check, Limit("four", 4, 60), acme) == 4
    assert count(check, THREE, PLATFORM) == 3
    keys = [str(key) for key in with_redis.scan_iter()]
    assert {key.split(":")[1] for key in keys} == {str(acme), str(globex), "platform"}


def test_all_processes_count_together(with_redis: redis.Redis, redis_url: str) -> None:
    """Two tiers stand for two processes; 8 threads race in each."""
    tiers = [ratelimit.SharedTier(redis_url), ratelimit.SharedTier(redis_url)]
    with ThreadPoolExecutor(16) as threads:
        waits = list(threads.map(lambda n: tiers[n % 2].take(Limit("race", 50, 3600), "rl:t:race:k"), range(200)))
    assert sum(wait == 0 for wait in waits) == 50


def test_without_redis_the_limits_get_tighter_and_never_off(settings: Settings) -> None:
    settings.REDIS_HOSTS = ["redis://127.0.0.1:1/0"]
    ratelimit.forget_all()
    for way in (check, in_a_loop):
        ratelimit.forget_all()
        assert count(way, Limit("ten", 10, 60), tries=30) == 5
        assert count(way, Limit("one", 1, 60), tries=30) == 1


def test_a_redis_that_hangs_is_asked_once_and_then_left_alone(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absence, "AWAY", PATIENCE)
    asked: list[int] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(1)
        await reader.read()

    async def scenario() -> None:
        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            settings.REDIS_HOSTS = [f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"]
            ratelimit.forget_all()
            for _ in range(100):
                await a_check(Limit("many", 1000, 60), "t", "k")

    asyncio.run(scenario())
    assert asked == [1]


def test_redis_is_used_again_when_it_is_back(with_redis: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absence, "AWAY", 0.0)
    with_redis.config_set("maxclients", 1)
    with_redis.client_kill_filter(_type="normal", skipme=True)
    count(check, THREE)
    with_redis.config_set("maxclients", 1000)
    with_redis.flushall()
    assert count(check, THREE) == 3
    assert with_redis.keys() == ["rl:t:three:k"]


def test_a_meter_of_one_socket() -> None:
    began, meter = time.monotonic(), Meter(THREE)
    assert [meter.take() == 0 for _ in range(5)] == [True, True, True, False, False]
    wait = meter.take()
    assert 20 - (time.monotonic() - began) <= wait <= 20


def test_what_this_process_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "MOST_KEYS", 100)
    tier = ratelimit.LocalTier()
    for number in range(1000):
        tier.take(THREE, str(number))
    assert len(tier._tats) <= 100
    assert "999" in tier._tats
