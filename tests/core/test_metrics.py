"""What operators measure: cheap instruments, a private port for each process, and nobody's name in any of it."""

import asyncio
import os
import timeit
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

import billing.metrics
import chat.metrics
from saas.core.fairpool import FairPool
from saas.core.metrics import REGISTRY, Buckets, Counts, Level, Reading, Times
from saas.core.metrics.port import MOST, Port
from saas.core.ratelimit import Limit, Most, Places, check
from tests.support.patience import PATIENCE
from tests.support.server import lasting_port

MINE = f"tests-{os.getpid()}"
LABELS = {"code", "kind", "limit", "pool", "queue", "result", "status", "task", "way", "what"}
OF_THE_LIBRARY = {"generation", "le"}
OURS = (Counts, Times, Level, Reading)

OF_MONEY, OF_CHAT = vars(billing.metrics), vars(chat.metrics)  # imported: they stand in the registry


def sample(name: str, **labels: str) -> float:
    """What Prometheus would be told."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def families() -> list[Metric]:
    return list(REGISTRY.collect())


class TestTheRegistry:
    def test_no_label_names_a_tenant_or_anybody(self) -> None:
        found = {label for family in families() for one in family.samples for label in one.labels}
        declared = {label for known in REGISTRY._collector_to_names for label in getattr(known, "_labelnames", ())}
        declared |= {label for known in REGISTRY._collector_to_names if isinstance(known, OURS) for label in known.labels}
        assert found | declared <= LABELS | OF_THE_LIBRARY
        assert declared == LABELS

    def test_every_instrument_of_ours_says_so_and_what_it_is(self) -> None:
        ours = [family for family in families() if not family.name.startswith(("process_", "python_"))]
        assert len(ours) > 50
        for family in ours:
            assert family.name.startswith("porchlight_"), family.name
            assert family.documentation.endswith("."), family.name

    def test_what_is_asked_for_can_be_parsed(self, port: Port) -> None:
        found = {family.name for family in text_string_to_metric_families(scrape(port))}
        assert {"porchlight_deliver_seconds", "porchlight_sockets", "porchlight_loop_lag_seconds"} <= found | {
            family.name for family in families()
        }
        assert "porchlight_deliver_seconds" in found


class TestInstruments:
    def test_buckets_hold_what_is_at_most_so_much(self) -> None:
        buckets = Buckets((0.1, 0.5))
        for amount in (0.05, 0.1, 0.3, 7.0):
            buckets.observe(amount)
        buckets.observe(0.2, count=10)
        assert buckets.cumulative() == [("0.1", 2.0), ("0.5", 13.0), ("+Inf", 14.0)]
        assert buckets.sum == pytest.approx(0.05 + 0.1 + 0.3 + 7.0 + 2.0)

    def test_a_clock_that_was_set_back_takes_nothing_away(self) -> None:
        buckets = Buckets((0.1,))
        buckets.observe(-5.0)
        assert (buckets.cumulative()[0], buckets.sum) == (("0.1", 1.0), 0.0)

    @pytest.fixture
    def name(self) -> Iterator[str]:
        name = f"porchlight_test_{uuid4().hex}"
        yield name
        for known in [one for one, names in REGISTRY._collector_to_names.items() if any(name in one for one in names)]:
            REGISTRY.unregister(known)

    def test_values_of_a_label_are_there_before_the_first(self, name: str) -> None:
        counts = Counts(f"{name}_total", "Tried.", "result", ("good", "bad"))
        counts.add("good", 3)
        assert (sample(f"{name}_total", result="good"), sample(f"{name}_total", result="bad")) == (3, 0)
        assert REGISTRY.get_sample_value(f"{name}_total", {"result": "bad"}) == 0

    def test_what_was_late_is_counted_for_readers_of_no_histogram(self, name: str) -> None:
        """By the edge of a bucket, over all values of the label; they add up to what the histogram counts."""
        times = Times(name, "Tried.", "way", ("here", "bus"), bounds=(0.1, 0.5, 1.0))
        assert times.by(0.5) == {"in_time": 0, "late": 0}
        for way, amount in (("here", 0.05), ("here", 0.5), ("bus", 0.51), ("bus", 7.0), ("bus", 0.2)):
            times.of(way).observe(amount)
        assert times.by(0.5) == {"in_time": 3, "late": 2}

    @pytest.mark.parametrize(
        ("counter", "histogram", "edge"),
        [
            ("porchlight_appended_total", "porchlight_append_seconds", "0.5"),
            ("porchlight_delivered_total", "porchlight_deliver_seconds", "0.5"),
            ("porchlight_loop_looks_total", "porchlight_loop_lag_seconds", "0.25"),
        ],
    )
    def test_in_time_is_what_the_objectives_say(self, counter: str, histogram: str, edge: str) -> None:
        """As Prometheus' rules ask the histogram: what is in the bucket of that edge, and the rest."""
        found = [one for family in REGISTRY.collect() for one in family.samples]
        within = sum(one.value for one in found if one.name == f"{histogram}_bucket" and one.labels["le"] == edge)
        counted = sum(one.value for one in found if one.name == f"{histogram}_count")
        told = {one.labels["result"]: one.value for one in found if one.name == counter}
        assert told == {"in_time": within, "late": counted - within}

    def test_a_level_that_nobody_knows_is_not_told(self, name: str) -> None:
        level = Level(name, "Tried.")
        assert REGISTRY.get_sample_value(name) is None
        level.set(4)
        assert sample(name) == 4
        level.clear()
        assert REGISTRY.get_sample_value(name) is None

    def test_the_same_name_twice_is_an_error(self, name: str) -> None:
        Times(name, "Tried.")
        with pytest.raises(ValueError, match="Duplicated"):
            Times(name, "Tried again.")

    def test_to_count_and_to_time_costs_a_microsecond_or_two(self) -> None:
        """No lock, no I/O. Of the quickest of many rounds: other work on the machine makes some slower, none faster."""
        buckets, counts = Buckets((0.1, 0.5, 1.0)), chat.metrics.DELIVERIES
        for what in (lambda: buckets.observe(0.2), lambda: counts.add(count=0)):
            assert min(timeit.repeat(what, number=1_000, repeat=50)) / 1_000 < 2e-6


@pytest.fixture
def first(settings: Settings) -> int:
    """A free port from which on the metrics may be served."""
    settings.METRICS_PORT = port = lasting_port()
    return port


@pytest.fixture
def port(first: int) -> Iterator[Port]:
    port = Port()
    port.open()
    yield port
    port.close()


def scrape(port: Port) -> str:
    return httpx.get(f"http://127.0.0.1:{port.number}/metrics", timeout=PATIENCE).text


class TestThePort:
    def test_without_a_wish_there_is_none(self, settings: Settings) -> None:
        settings.METRICS_PORT = 0
        port = Port()
        port.open()
        assert port.number is None

    def test_it_is_on_this_machine_alone(self, port: Port) -> None:
        assert port._server.server_address[0] == "127.0.0.1"

    def test_several_processes_of_a_host_take_one_after_the_other(self, port: Port) -> None:
        second = Port()
        second.open()
        try:
            assert port.number is not None
            assert second.number is not None
            assert port.number < second.number < port.number + MOST
            assert "porchlight_process" in scrape(second)
        finally:
            second.close()

    def test_one_that_ends_gives_it_back(self, port: Port) -> None:
        number = port.number
        port.close()
        port.open()
        assert port.number == number

    @pytest.mark.usefixtures("first")
    def test_a_host_that_is_not_ours_stops_nothing(self, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
        settings.METRICS_HOST = "192.0.2.1"
        port = Port()
        port.open()
        assert port.number is None
        assert "192.0.2.1" in caplog.text


class TestLimits:
    def test_who_is_refused_is_counted_by_the_limits_name_alone(self) -> None:
        limit, tenant = Limit(f"test.{uuid4().hex}", 1, 60), uuid4()
        check(limit, tenant, "vic")
        assert sample("porchlight_limits_refused_total", limit=limit.name) == 0
        with pytest.raises(Exception, match="too often"):
            check(limit, tenant, "vic")
        assert sample("porchlight_limits_refused_total", limit=limit.name) == 1
        assert str(tenant) not in "".join(str(one.labels) for family in families() for one in family.samples)

    def test_places_too(self) -> None:
        most = Most(f"test.{uuid4().hex}", 1, "process")
        places = Places()
        assert places.take({most: None})
        assert not places.take({most: None})
        assert sample("porchlight_limits_refused_total", limit=most.name) == 1


def test_threads_that_work_and_calls_that_wait() -> None:
    pool = FairPool(1, f"test-{uuid4().hex[:8]}")
    gate = asyncio.run(_held(pool))
    assert pool.load() == (0, 0)
    assert gate == (1, 1)


async def _held(pool: FairPool) -> tuple[float, float]:
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait() -> None:
        asyncio.run_coroutine_threadsafe(done.wait(), loop).result()

    calls = [asyncio.wrap_future(pool.submit("vic", wait)) for _ in range(2)]
    await asyncio.sleep(0)
    seen = sample("porchlight_threads_busy", pool=pool.name), sample("porchlight_threads_waiting", pool=pool.name)
    done.set()
    await asyncio.gather(*calls)
    while pool.load() != (0, 0):
        await asyncio.sleep(0)
    return seen
