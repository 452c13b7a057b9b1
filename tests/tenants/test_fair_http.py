"""What one tenant asks over HTTP: its share of the threads, a bounded queue, a pace; and that no other tenant notices."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from pytest_django import Settings

from saas.core.interpreter import SOON_SECONDS, SWITCH_SECONDS
from saas.core.ratelimit import Limit, Most, forget_all
from tenants import fair_http
from tenants.context import TenantRef
from tenants.fair_http import FairHttp
from tenants.limits import HTTP_SHARE, HTTP_THREADS
from tenants.plans import Plan
from tests.support.sockets import key_of

MOST_HELD = int(HTTP_THREADS * HTTP_SHARE)
SECONDS = 20


class Slow:
    """Django, for this: what is asked under /slow works on its thread until the gate opens."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.at_work = 0
        self.done = 0
        self.handed_over = set[float]()  # seconds after which a thread hands the interpreter over, while this works

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        async with ThreadSensitiveContext():
            await sync_to_async(self._work)(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    def _work(self, path: str) -> None:
        self.handed_over.add(sys.getswitchinterval())
        if path.endswith("slow"):
            self.at_work += 1
            self.gate.wait(SECONDS)
            self.at_work -= 1
        self.done += 1


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.gate.set()


@pytest.fixture
def http(slow: Slow) -> FairHttp:
    return FairHttp(slow)


@pytest.fixture
def keys(acme: TenantRef, globex: TenantRef) -> list[str]:
    return [key_of(acme), key_of(globex)]


@pytest.fixture(autouse=True)
def _counted_anew() -> Iterator[None]:
    forget_all()
    yield
    forget_all()


@pytest.fixture
def refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_http, "LINGER_SECONDS", 0.0)


def host_of(tenant: TenantRef) -> str:
    return f"{tenant.slug}.{settings.BASE_HOST}"


async def ask(http: FairHttp, host: str, path: str = "/fast", address: str = "192.0.2.1") -> tuple[int, dict[str, str]]:
    """The status and the headers of the answer."""
    events: list[dict[str, Any]] = []

    async def send(event: dict[str, Any]) -> None:
        events.append(event)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    headers = [(b"host", host.encode())]
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "client": (address, 1)}
    async with asyncio.timeout(SECONDS):
        await http(scope, receive, send)
    return events[0]["status"], {name.decode(): value.decode() for name, value in events[0]["headers"]}


async def until(is_so: Any) -> None:
    async with asyncio.timeout(SECONDS):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_a_tenant_holds_its_share_of_the_threads_and_no_more(
    http: FairHttp, slow: Slow, acme: TenantRef, globex: TenantRef
) -> None:
    asked = [asyncio.ensure_future(ask(http, host_of(acme), "/slow")) for _ in range(20)]
    await until(lambda: slow.at_work == MOST_HELD)
    answers = await asyncio.gather(*(ask(http, host_of(globex)) for _ in range(20)))
    assert [status for status, _ in answers] == [200] * 20
    assert slow.at_work == MOST_HELD
    slow.gate.set()
    assert [status for status, _ in await asyncio.gather(*asked)] == [200] * 20


async def test_the_sockets_get_the_interpreter_back_sooner_while_django_works(
    http: FairHttp, slow: Slow, acme: TenantRef
) -> None:
    await asyncio.gather(*(ask(http, host_of(acme)) for _ in range(20)))
    assert list(slow.handed_over) == pytest.approx([SOON_SECONDS])
    await until(lambda: sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS))


async def test_the_key_in_the_path_says_whose_share_it_is(http: FairHttp, slow: Slow, acme: TenantRef, keys: list[str]) -> None:
    paths = [(host_of(acme), "/slow"), (settings.WIDGET_HOST, f"/w/{keys[0]}/slow")]
    asked = [asyncio.ensure_future(ask(http, *paths[number % 2])) for number in range(20)]
    await until(lambda: slow.at_work == MOST_HELD)
    assert (await ask(http, settings.WIDGET_HOST, f"/w/{keys[1]}/rooms"))[0] == 200
    assert slow.at_work == MOST_HELD
    slow.gate.set()
    await asyncio.gather(*asked)


async def test_strangers_share_one_share_apart_from_the_platforms(http: FairHttp, slow: Slow) -> None:
    """Under however many hosts and keys that are nobody's."""
    places = [("nobody{}.example", "/slow"), (settings.WIDGET_HOST, "/w/nobody{}/slow")]
    asked = [
        asyncio.ensure_future(ask(http, host.format(number), path.format(number)))
        for number, (host, path) in enumerate(places * 10)
    ]
    await until(lambda: slow.at_work == MOST_HELD)
    for host in (settings.BASE_HOST, settings.WIDGET_HOST):
        assert (await ask(http, host))[0] == 200
    assert slow.at_work == MOST_HELD
    slow.gate.set()
    await asyncio.gather(*asked)


async def test_who_goes_away_while_it_works_still_counts(http: FairHttp, slow: Slow, acme: TenantRef, globex: TenantRef) -> None:
    gone = [asyncio.ensure_future(ask(http, host_of(acme), "/slow")) for _ in range(MOST_HELD)]
    await until(lambda: slow.at_work == MOST_HELD)
    for one in gone:
        one.cancel()
    await asyncio.wait(gone)
    waiting = asyncio.ensure_future(ask(http, host_of(acme)))
    assert (await ask(http, host_of(globex)))[0] == 200
    assert not waiting.done()
    slow.gate.set()
    assert (await waiting)[0] == 200


async def test_who_goes_away_while_waiting_is_not_worked_for(http: FairHttp, slow: Slow, acme: TenantRef) -> None:
    asked = [asyncio.ensure_future(ask(http, host_of(acme), "/slow")) for _ in range(MOST_HELD + 5)]
    await until(lambda: slow.at_work == MOST_HELD)
    for one in asked[MOST_HELD:]:
        one.cancel()
    await asyncio.wait(asked[MOST_HELD:])
    slow.gate.set()
    await asyncio.gather(*asked[:MOST_HELD])
    assert (await ask(http, host_of(acme)))[0] == 200
    assert slow.done == MOST_HELD + 1


@pytest.mark.usefixtures("refused_at_once")
async def test_too_many_that_wait_are_refused_and_nobody_elses(
    http: FairHttp, slow: Slow, acme: TenantRef, globex: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_http, "HTTP_WAITING", 5)
    asked = [asyncio.ensure_future(ask(http, host_of(acme), "/slow")) for _ in range(MOST_HELD)]
    await until(lambda: slow.at_work == MOST_HELD)
    asked += [asyncio.ensure_future(ask(http, host_of(acme), "/slow")) for _ in range(5)]
    await until(lambda: http._threads.waits(acme.id) == 5)
    status, headers = await ask(http, host_of(acme))
    assert (status, headers["content-type"]) == (503, "application/json")
    assert int(headers["retry-after"]) >= 1
    assert (await ask(http, host_of(globex)))[0] == 200
    slow.gate.set()
    assert [status for status, _ in await asyncio.gather(*asked)] == [200] * (MOST_HELD + 5)


@pytest.mark.usefixtures("refused_at_once")
@pytest.mark.parametrize("limit", ["HTTP_PER_TENANT", "HTTP_PER_IP"])
async def test_who_asks_too_often_is_refused_before_anything_is_done(
    http: FairHttp, slow: Slow, acme: TenantRef, globex: TenantRef, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    scope = {"HTTP_PER_TENANT": "tenant", "HTTP_PER_IP": "ip"}[limit]
    monkeypatch.setattr(fair_http, limit, Limit("http.test", 3, 600, scope))
    answers = [await ask(http, host_of(acme)) for _ in range(5)]
    assert [status for status, _ in answers] == [200] * 3 + [429] * 2
    assert int(answers[-1][1]["retry-after"]) > 1
    assert slow.done == 3
    assert (await ask(http, host_of(globex)))[0] == 200


@pytest.mark.usefixtures("refused_at_once")
@pytest.mark.parametrize(("rate", "most"), [(1.0, 4), (0.5, 2)])
async def test_one_address_does_not_use_up_what_all_of_the_tenant_have(
    http: FairHttp, acme: TenantRef, monkeypatch: pytest.MonkeyPatch, rate: float, most: int
) -> None:
    async def plan(_tenant: TenantRef) -> Plan:
        return Plan({"*": rate})

    whole = Limit("http.test.tenant", 16, 600, "tenant")
    monkeypatch.setattr(fair_http, "a_plan_of", plan)
    monkeypatch.setattr(fair_http, "HTTP_PER_TENANT", whole)
    monkeypatch.setattr(fair_http, "HTTP_PER_IP", Limit("http.test.ip", 16, 600, "ip", whole))
    answers = [(await ask(http, host_of(acme)))[0] for _ in range(10)]
    assert answers == [200] * most + [429] * (10 - most)
    assert (await ask(http, host_of(acme), address="192.0.2.2"))[0] == 200


@pytest.mark.usefixtures("refused_at_once")
async def test_the_operators_own_number_for_an_address_stands(
    http: FairHttp, acme: TenantRef, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.LIMITS = {"http.test.ip": (10, 600.0)}
    whole = Limit("http.test.tenant", 16, 600, "tenant")
    monkeypatch.setattr(fair_http, "HTTP_PER_TENANT", whole)
    monkeypatch.setattr(fair_http, "HTTP_PER_IP", Limit("http.test.ip", 16, 600, "ip", whole))
    assert [(await ask(http, host_of(acme)))[0] for _ in range(12)] == [200] * 10 + [429] * 2


async def test_a_refusal_is_held_back_for_so_many(
    http: FairHttp, slow: Slow, acme: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_http, "LINGER_SECONDS", float(SECONDS * 10))
    monkeypatch.setattr(fair_http, "HTTP_PER_TENANT", Limit("http.test", 1, 600, "tenant"))
    monkeypatch.setattr(fair_http, "REFUSED_PER_TENANT", Most("http.test", 2, "tenant"))
    assert (await ask(http, host_of(acme)))[0] == 200
    held = [asyncio.ensure_future(ask(http, host_of(acme))) for _ in range(2)]
    await until(lambda: sum(http._refused._taken.values()) == 4)
    assert (await ask(http, host_of(acme)))[0] == 429, "no more are held back"
    assert not any(one.done() for one in held)
    for one in held:
        one.cancel()
    await asyncio.wait(held)
    assert http._refused._taken == {}
