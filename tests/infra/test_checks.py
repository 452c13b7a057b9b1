"""A server that is not safe for production does not start, and says why: each refusal differs from what is safe in one thing."""

import os
import re
import subprocess
import sys
from typing import Any

import pytest
import redis
from pytest_django import Settings

from saas import checks
from saas.checks.layer import _problems_of, redis_problems
from saas.checks.setup import setting_problems
from saas.up.database import ROOT
from saas.up.redis import RedisServer
from tests.infra.checked import SAFE, SECRET, Cluster
from tests.support.server import make_server

pytestmark = pytest.mark.xdist_group("infra")


def test_what_is_safe_may_start(safe: Settings) -> None:
    assert checks.problems() == []


SAME_SERVER = ["redis://one/0", "redis://two/0", "redis://:word@one:6379/1"]
SAME_SOCKET = ["unix:///run/one.sock", "unix:///run/one.sock?db=1"]
PRIMARIES = ["redis://one", "redis://one:6380", "unix:///run/one.sock", "unix:///run/two.sock"]


class TestSettings:
    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"SECRET_KEY": SECRET[:49]}, "SECRET_KEY has 49 characters; it needs 50 random ones"),
            ({"SECRET_KEY": "secret" * 10}, "SECRET_KEY can be guessed"),
            ({"SECRET_KEY": "django-insecure-" + SECRET}, "SECRET_KEY can be guessed"),
            ({"SECRET_KEY_FALLBACKS": [SECRET, "old"]}, "SECRET_KEY_FALLBACKS, number 2, has 3 characters; it needs 50"),
            ({"DEBUG": True}, "DEBUG=1 shows code and settings"),
            ({"STRIPE_API_BASE": "http://localhost:1"}, "STRIPE_API_BASE leads to a stand-in"),
            ({"STRIPE_PAY_ORIGIN": "http://localhost:1"}, "STRIPE_PAY_ORIGIN is the page of a stand-in"),
            ({"STRIPE_CLOCK_FILE": "/tmp/clock"}, "STRIPE_CLOCK_FILE moves the clock by which tenants pay"),
            ({"DEMO": True}, "PORCHLIGHT_DEMO=1 lets everybody read the mails"),
            ({"SCHEME": "http", "SECURE": False}, "PORCHLIGHT_SCHEME=http: sessions and messages would travel in the clear"),
            ({"TRUST_PROXY": 0}, "TRUST_PROXY is not set"),
            ({"AS_OWNER": True}, "DATABASE_AS_OWNER=1 is for commands"),
            ({"TARGET_GROUP_ARNS": ["console-ws"]}, "TARGET_GROUP_ARNS: 'console-ws' is not of the form arn:aws:"),
            ({"REDIS_HOSTS": SAME_SERVER}, "REDIS_URL names the server one:6379 2 times"),
            ({"REDIS_HOSTS": SAME_SOCKET}, "REDIS_URL names the server /run/one.sock 2 times"),
            ({"SERVES": "web"}, "PORCHLIGHT_SERVES=web: that is more than one process"),
            ({"WORKER_IN_PROCESS": False}, "WORKER_IN_PROCESS=0: that is more than one process"),
            ({"PROCESSES": 2}, "WEB_CONCURRENCY=2: that is more than one process"),
        ],
    )
    def test_each_is_refused(self, safe: Settings, changed: dict[str, Any], said: str) -> None:
        for name, value in changed.items():
            setattr(safe, name, value)
        (problem,) = setting_problems()
        assert problem.startswith(said)

    @pytest.mark.parametrize("changed", [{"SERVES": "ws"}, {"WORKER_IN_PROCESS": False}, {"PROCESSES": 2}])
    def test_many_processes_with_redis_are_fine(self, safe: Settings, changed: dict[str, Any]) -> None:
        safe.REDIS_HOSTS = ["redis://localhost"]
        for name, value in changed.items():
            setattr(safe, name, value)
        assert setting_problems() == []

    def test_primaries_that_differ_are_fine(self, safe: Settings) -> None:
        safe.REDIS_HOSTS = PRIMARIES
        assert setting_problems() == []

    @pytest.mark.parametrize(
        ("password", "said"), [("", "is empty"), ("PASSWORD", "is 'PASSWORD'"), ("porch_app", "is 'porch_app'")]
    )
    def test_a_password_that_everybody_knows_is_refused(self, safe: Settings, password: str, said: str) -> None:
        safe.DATABASES["default"]["PASSWORD"] = password
        assert setting_problems() == [f"DATABASE_URL: the password {said}; give the role one of its own"]

    def test_who_serves_sockets_alone_needs_no_owner(self, safe: Settings) -> None:
        safe.SERVES, safe.REDIS_HOSTS, safe.DATABASES["owner"]["PASSWORD"] = "ws", ["redis://localhost"], ""
        assert setting_problems() == []

    def test_all_are_said_at_once(self, safe: Settings) -> None:
        safe.DEBUG, safe.DEMO, safe.TRUST_PROXY, safe.SECRET_KEY = True, True, 0, "short"
        assert len(checks.problems()) == 4

    def test_development_is_not_looked_at(self, safe: Settings) -> None:
        safe.DEBUG, safe.DEVELOPMENT = True, True
        assert checks.problems() == []

    @pytest.mark.parametrize(("scheme", "said"), [("http", []), ("https", [checks.UNCHECKED])])
    def test_which_is_said_where_it_looks_like_production(
        self, safe: Settings, caplog: pytest.LogCaptureFixture, scheme: str, said: list[str]
    ) -> None:
        safe.DEVELOPMENT, safe.SECURE = True, scheme == "https"
        assert checks.refusal() == ""
        assert [record.getMessage() for record in caplog.records] == said

    def test_but_nobody_pays_there(self, safe: Settings) -> None:
        safe.DEBUG, safe.DEVELOPMENT, safe.STRIPE_LIVE = True, True, True
        (problem,) = checks.problems()
        assert problem.startswith("PORCHLIGHT_DEVELOPMENT=1 with a live STRIPE_SECRET_KEY")

    def test_all_that_is_never_for_production_is_refused(self, safe: Settings) -> None:
        """What .env.example has under that heading; all but the first, which says that nothing is looked at."""
        section = (ROOT / ".env.example").read_text().partition("# --- Never in production ---\n")[2].partition("# --- ")[0]
        names = re.findall(r"^#([A-Z_]+)=", section, re.MULTILINE)
        assert names[0] == "PORCHLIGHT_DEVELOPMENT"
        safe.DEBUG = safe.DEMO = True
        safe.STRIPE_API_BASE = safe.STRIPE_PAY_ORIGIN = safe.STRIPE_CLOCK_FILE = "set"
        assert [re.split("[ =]", problem)[0] for problem in setting_problems()] == names[1:]


class TestRedis:
    def test_noeviction_is_fine(self) -> None:
        with RedisServer() as url:
            assert redis_problems([url]) == []

    def test_a_server_that_forgets_is_refused_by_its_number(self) -> None:
        with RedisServer() as first, RedisServer() as second:
            with redis.Redis.from_url(second) as client:
                client.config_set("maxmemory-policy", "allkeys-lru")
            (problem,) = redis_problems([first, second])
        assert problem.startswith("REDIS_URL, server 2: maxmemory-policy is allkeys-lru")

    def test_a_replica_is_refused(self) -> None:
        with RedisServer() as url:
            with redis.Redis.from_url(url) as client:
                client.replicaof("127.0.0.1", 1)
            assert redis_problems([url]) == ["REDIS_URL: it is a replica; name the primary"]

    def test_a_cluster_is_refused(self) -> None:
        (problem,) = _problems_of({"cluster_enabled": 1, "role": "master", "maxmemory_policy": "noeviction"})
        assert problem.startswith("cluster mode")

    def test_one_that_is_away_costs_latency_only(self) -> None:
        assert redis_problems(["redis://127.0.0.1:1/0"]) == []


PROGRAMS = {
    "alone": ["-m", "saas.serve", "--port", "{port}"],
    "under gunicorn": ["-m", "gunicorn", "-c", "python:saas.gunicorn", "-b", "127.0.0.1:{port}"],
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_server_starts_where_all_is_safe_and_not_where_one_thing_is_not(program: str, cluster: Cluster) -> None:
    server = make_server("uvicorn", redis_url="", **SAFE, **cluster.urls.environment())
    server.command = PROGRAMS[program]
    assert server.start().ready() == 200
    server.stop()
    server.variables |= {"DEBUG": "1", "PORCHLIGHT_SCHEME": "http"}
    assert server.launch().wait() != 0
    for said in ("Refusing to start: DEBUG=1 shows", "Refusing to start: PORCHLIGHT_SCHEME=http", "2 settings are not safe"):
        assert server.said().count(said) == 1
    server.log.unlink()


@pytest.mark.parametrize(("module", "status"), [("saas.worker", 1), ("saas.checks", 1)])
def test_the_worker_and_the_command_say_it_too(module: str, status: int, cluster: Cluster) -> None:
    variables = os.environ | SAFE | cluster.urls.environment() | {"DEBUG": "1"}
    done = subprocess.run([sys.executable, "-m", module], cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, "DEBUG=1 shows code" in done.stdout + done.stderr) == (status, True)


@pytest.mark.parametrize(("development", "said"), [("0", "Nothing speaks against a start."), ("1", checks.UNCHECKED)])
def test_the_command_says_that_all_is_well_only_if_it_has_looked(development: str, said: str, cluster: Cluster) -> None:
    variables = os.environ | SAFE | cluster.urls.environment() | {"PORCHLIGHT_DEVELOPMENT": development}
    done = subprocess.run(
        [sys.executable, "-m", "saas.checks"], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"{said}\n")
