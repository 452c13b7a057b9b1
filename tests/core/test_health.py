"""The three probes answer before any host is looked at, and mean three things."""

import asyncio
import json
from typing import Any

import pytest
from pytest_django import Settings

from saas.core import health
from saas.core.health import Health
from saas.up.redis import RedisServer
from tests.support.patience import PATIENCE
from tests.support.server import lasting_port


async def _nothing_behind(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("the application was asked")


@pytest.fixture(autouse=True)
def _not_draining(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor in a hurry: the machine's pace decides nothing."""
    monkeypatch.setattr(health, "draining", False)
    monkeypatch.setattr(health, "TIMEOUT", PATIENCE)
    monkeypatch.setattr(health, "KEEP", PATIENCE)


@pytest.fixture
def dead_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise ConnectionError

    monkeypatch.setattr(health, "_select_one", fails)


def probe(application: Any, name: str) -> tuple[int, dict[str, str]]:
    """Status and body of one probe."""
    said: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        said.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    asyncio.run(application({"type": "http", "path": f"/healthz/{name}", "headers": []}, receive, send))
    return said[0]["status"], json.loads(said[1]["body"])


def test_live_needs_nothing(dead_database: None) -> None:
    assert probe(Health(_nothing_behind), "live") == (200, {"status": "live"})


def test_ready_means_that_the_database_answers(database: None) -> None:
    assert probe(Health(_nothing_behind), "ready") == (200, {"status": "ready", "database": "ok"})


def test_not_ready_without_the_database(dead_database: None) -> None:
    assert probe(Health(_nothing_behind), "ready") == (503, {"status": "not ready", "database": "ConnectionError"})


def test_a_database_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "TIMEOUT", 0.05)
    hung = asyncio.Event
    monkeypatch.setattr(health, "_on_a_thread", lambda _check: hung().wait())
    assert probe(Health(_nothing_behind), "ready") == (503, {"status": "not ready", "database": "TimeoutError"})


def test_ready_means_that_redis_answers_too(settings: Settings, database: None) -> None:
    with RedisServer(lasting_port()) as url:
        settings.REDIS_HOSTS = [url]
        assert probe(Health(_nothing_behind), "ready") == (200, {"status": "ready", "database": "ok", "redis": "ok"})
    status, body = probe(Health(_nothing_behind), "ready")
    assert (status, body["database"]) == (503, "ok")
    assert body["redis"] != "ok"


def test_an_answer_of_ready_is_repeated_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(health, "_select_one", lambda: asked.append(1))
    application = Health(_nothing_behind)
    for _ in range(5):
        assert probe(application, "ready")[0] == 200
    assert len(asked) == 1
    monkeypatch.setattr(health, "KEEP", -1.0)
    probe(application, "ready")
    assert len(asked) == 2


async def test_many_who_ask_at_once_cost_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    async def answer(_check: object) -> None:
        asked.append(1)
        await asyncio.sleep(0.01)

    monkeypatch.setattr(health, "_on_a_thread", answer)
    application = Health(_nothing_behind)
    said = await asyncio.gather(*(application._said("ready") for _ in range(50)))
    assert {status for status, _ in said} == {200}
    assert len(asked) == 1


def test_each_redis_is_asked(settings: Settings, database: None) -> None:
    with RedisServer(lasting_port()) as url:
        settings.REDIS_HOSTS = [url, "redis://127.0.0.1:1/0"]
        status, body = probe(Health(_nothing_behind), "ready")
    assert (status, body["redis"], body["redis2"]) == (503, "ok", "ConnectionError")


async def test_a_load_balancer_asks_by_address() -> None:
    """Whatever stands in Host, or nothing: no host is looked at."""
    for headers in ([(b"host", b"10.0.3.17:8000")], []):
        said: list[dict[str, Any]] = []

        async def send(message: Any, said: list[dict[str, Any]] = said) -> None:
            said.append(message)

        await Health(_nothing_behind)({"type": "http", "path": "/healthz/live", "headers": headers}, None, send)  # type: ignore[arg-type]
        assert said[0]["status"] == 200


def test_a_draining_server_is_alive_and_not_ready() -> None:
    application = Health(_nothing_behind)
    health.drain()
    assert probe(application, "ready") == (503, {"status": "draining"})
    assert probe(application, "live")[0] == 200


def test_started_means_that_all_migrations_ran(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe(Health(_nothing_behind), "startup") == (200, {"status": "started"})

    def behind() -> None:
        raise LookupError

    monkeypatch.setattr(health, "_is_migrated", behind)
    assert probe(Health(_nothing_behind), "startup")[0] == 503


def test_another_probe_is_not_there_and_other_paths_go_on() -> None:
    assert probe(Health(_nothing_behind), "other")[0] == 404
    reached: list[str] = []

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["path"])

    asyncio.run(Health(behind)({"type": "http", "path": "/healthz", "headers": []}, None, None))  # type: ignore[arg-type]
    assert reached == ["/healthz"]
