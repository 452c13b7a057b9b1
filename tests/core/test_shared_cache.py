"""The cache of all processes goes on in each by itself while Redis is away, and nobody who signs in waits for it or fails."""

import os
import signal
import socket
from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
from django.core.cache import cache, caches
from pytest_django import Settings

from saas.core.ratelimit import absence
from saas.core.ratelimit.absence import absence_of
from saas.core.shared_cache import SharedCache
from saas.up.redis import RedisServer
from tenants.models import Membership, Role
from tests.support import cluster
from tests.support.cast import MakeTenant
from tests.support.order import until
from tests.support.patience import PATIENCE
from tests.support.people import NEW, code_of, give_factor, invited, join, link_to
from tests.support.server import lasting_port
from tests.support.web import PLATFORM, Browser

Redis = tuple[str, int]  # its address, the id of its process


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with RedisServer(lasting_port()) as url, redis.Redis.from_url(url) as client:
        yield url, client.info()["process_id"]


@pytest.fixture(params=["dead", "silent"])
def away(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a Redis that takes no connection, or takes it and says nothing."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        if request.param == "silent":
            held.listen()
        yield f"redis://127.0.0.1:{held.getsockname()[1]}/0"


def use(settings: Settings, url: str) -> None:
    """As the settings do for this REDIS_URL."""
    settings.CACHES = {"default": {"BACKEND": "saas.core.shared_cache.SharedCache", "LOCATION": [url]}}


def failures(monkeypatch: pytest.MonkeyPatch, url: str) -> list[Exception]:
    """Each time that the Redis at this address was asked and did not answer, from now on."""
    found: list[Exception] = []
    of_this = absence_of(url)
    begin = of_this.begin

    def noted(error: Exception) -> None:
        found.append(error)
        begin(error)

    monkeypatch.setattr(of_this, "begin", noted)
    return found


def test_the_settings_name_it_for_whoever_has_a_redis() -> None:
    words = "from django.conf import settings; print(settings.CACHES['default'])"
    said = cluster.manage("shell", "--no-imports", "-c", words, REDIS_URL="redis://one:6379/0 redis://two:6379/0").stdout
    assert "SharedCache" in said
    assert "one:6379" in said


@pytest.mark.usefixtures("patient")
def test_it_does_with_redis_what_a_cache_does(settings: Settings, server: Redis) -> None:
    use(settings, server[0])
    look_at_all_it_does()


def test_it_does_the_same_without_redis(settings: Settings, away: str) -> None:
    use(settings, away)
    look_at_all_it_does()


def look_at_all_it_does() -> None:
    assert isinstance(caches["default"], SharedCache)
    key, other = uuid4().hex, uuid4().hex
    assert [cache.add(key, "y", timeout=300), cache.add(key, "y", timeout=300)] == [True, False]
    cache.set(other, [1.5], 300)
    assert cache.get(other) == [1.5]
    assert cache.get_many([key, other]) == {key: "y", other: [1.5]}
    assert cache.has_key(key)
    assert cache.touch(key, 600)
    assert cache.delete(key)
    assert cache.get(key, "none") == "none"
    cache.set_many({key: 1, other: 2}, 300)
    assert cache.incr(key) == 2
    cache.delete_many([key, other])
    assert cache.get_many([key, other]) == {}
    with pytest.raises(ValueError, match="not found"):
        cache.incr(key)
    cache.set(key, 1)
    cache.clear()
    assert cache.get(key) is None


def test_one_that_says_nothing_is_waited_for_once(settings: Settings, away: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(settings, away)
    monkeypatch.setattr(absence, "AWAY", 60.0)
    caches["default"]
    failed = failures(monkeypatch, away)
    for _ in range(20):
        cache.get("x")
    assert len(failed) == 1


def test_all_processes_count_together_again_when_it_is_back(
    settings: Settings, server: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url, pid = server
    use(settings, url)
    monkeypatch.setattr(absence, "AWAY", 0.0)
    key = uuid4().hex
    os.kill(pid, signal.SIGSTOP)
    try:
        assert [cache.add(key, "y"), cache.add(key, "y")] == [True, False]
    finally:
        os.kill(pid, signal.SIGCONT)
    assert [record.getMessage() for record in caplog.records if "Redis does not answer" in record.getMessage()] == [
        "Redis does not answer (TimeoutError): each process counts alone until it does"
    ]
    other = uuid4().hex
    with redis.Redis.from_url(url) as client:

        def is_of_all() -> bool:
            cache.set(other, "of all")
            return bool(client.exists(f":1:{other}"))

        until(is_of_all, "each process counts alone", seconds=PATIENCE)  # one that wakes has other things to do first
    assert "Redis answers again: all processes count together" in caplog.messages


class TestWhileRedisIsAway:
    @pytest.fixture(autouse=True)
    def _no_redis(self, settings: Settings, away: str) -> None:
        use(settings, away)

    @pytest.fixture
    def nell(self, make_tenant: MakeTenant) -> Membership:
        """An agent."""
        return join(make_tenant(), Role.AGENT, "Nell")

    def test_people_sign_in_with_both_factors_and_no_code_counts_twice(self, nell: Membership) -> None:
        code = code_of(give_factor(nell.user))
        landed = []
        for browser in (Browser(), Browser()):
            browser.sign_in(f"{PLATFORM}/home/", nell.user.email)
            browser.follow(browser.post(f"{PLATFORM}/you/two-factor/authenticate/", {"code": code}))
            landed.append(browser.get(f"{PLATFORM}/home/").status_code)
        assert landed == [200, 302]

    def test_wrong_passwords_are_counted(self, nell: Membership) -> None:
        browser = Browser()
        said = [browser.post(f"{PLATFORM}/sign-in/", {"login": nell.user.email, "password": "wrong"}) for _ in range(6)]
        assert ["Too many failed login attempts" in page.content.decode() for page in said] == [False] * 5 + [True]

    def test_a_new_password_is_asked_for(self, nell: Membership) -> None:
        assert Browser().post(f"{PLATFORM}/you/password/reset/", {"email": nell.user.email}).status_code == 302

    def test_who_signs_up_is_let_in(self) -> None:
        slug, browser = f"n{uuid4().hex[:12]}", Browser()
        said = {**NEW, "email": f"nora@{slug}.example", "tenant_name": "Nora", "slug": slug}
        page = browser.follow(browser.post(f"{PLATFORM}/sign-up/", said))
        assert (page.status_code, browser.url) == (200, f"http://{slug}.localhost:8000/start/")

    def test_who_was_invited_is_let_in(self, make_tenant: MakeTenant) -> None:
        tenant, browser = make_tenant(), Browser()
        page = browser.follow(browser.post(link_to(invited(tenant)), NEW))
        assert (page.status_code, browser.url) == (200, f"http://{tenant.slug}.localhost:8000/inbox/")
