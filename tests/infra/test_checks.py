"""A server that is not safe for production does not start, and says why: each refusal differs from what is safe in one thing."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
import redis
from pytest_django import Settings

from saas import checks, env
from saas.checks import alone, database
from saas.checks.database import _safety, database_problems, look
from saas.checks.layer import _problems_of, redis_problems
from saas.checks.setup import setting_problems
from saas.core.logins import owner_problems
from saas.up.database import ROOT, Urls, prepare
from saas.up.postgres import EmbeddedPostgres
from saas.up.redis import RedisServer
from saas.up.unpacked import PGBOUNCER
from tests.support.cluster import manage
from tests.support.pgbouncer import pgbouncer
from tests.support.server import make_server

pytestmark = pytest.mark.xdist_group("infra")
T = TypeVar("T")
SECRET = "q7Rv2LxZ-0fWc9TnKs_4HbYdMje8UgPa1Xo6EiVtNzJ5CwQlGhFyDr3k"


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL of these tests alone, whose settings they may change."""

    server: EmbeddedPostgres
    superuser: str
    urls: Urls

    def execute(self, *statements: str) -> None:
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="porchlight-checks-") as made:
        Path(made).chmod(0o755)
        server = EmbeddedPostgres(made)
        with server.use() as superuser:
            yield Cluster(server, superuser, prepare(superuser, name="porchlight", secrets_file=Path(made, "secrets.json")))
        server.wait_stopped()


@pytest.fixture
def safe(settings: Settings, cluster: Cluster) -> Settings:
    """Settings that nothing speaks against."""
    settings.DEVELOPMENT = settings.DEBUG = settings.DEMO = settings.AS_OWNER = False
    settings.SECRET_KEY, settings.STRIPE_SECRET_KEY, settings.STRIPE_LIVE = SECRET, "", False
    settings.STRIPE_API_BASE = settings.STRIPE_PAY_ORIGIN = settings.STRIPE_CLOCK_FILE = ""
    settings.SCHEME, settings.SECURE, settings.TRUST_PROXY = "https", True, 1
    settings.SERVES, settings.PROCESSES, settings.WORKER_IN_PROCESS, settings.REDIS_HOSTS = "all", 1, True, []
    settings.DATABASES = {"default": parsed(cluster.urls.app), "owner": parsed(cluster.urls.owner)}
    return settings


def eventually(found: Callable[[], T], words: str) -> T:
    """What comes, once it is true."""
    end = time.monotonic() + 20
    while not (value := found()):
        assert time.monotonic() < end, f"{words} does not come"
    return value


def parsed(url: str) -> dict[str, Any]:
    """An address as Django's settings of a database."""
    os.environ["CHECKED_URL"] = url
    return dict(env.database("CHECKED_URL"))


def test_what_is_safe_may_start(safe: Settings) -> None:
    assert checks.problems() == []


class TestSettings:
    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"SECRET_KEY": SECRET[:49]}, "SECRET_KEY has 49 characters; it needs 50 random ones"),
            ({"SECRET_KEY": "secret" * 10}, "SECRET_KEY can be guessed"),
            ({"SECRET_KEY": "django-insecure-" + SECRET}, "SECRET_KEY can be guessed"),
            ({"DEBUG": True}, "DEBUG=1 shows code and settings"),
            ({"STRIPE_API_BASE": "http://localhost:1"}, "STRIPE_API_BASE leads to a stand-in"),
            ({"STRIPE_PAY_ORIGIN": "http://localhost:1"}, "STRIPE_PAY_ORIGIN is the page of a stand-in"),
            ({"STRIPE_CLOCK_FILE": "/tmp/clock"}, "STRIPE_CLOCK_FILE moves the clock by which tenants pay"),
            ({"DEMO": True}, "PORCHLIGHT_DEMO=1 lets everybody read the mails"),
            ({"SCHEME": "http", "SECURE": False}, "PORCHLIGHT_SCHEME=http: sessions and messages would travel in the clear"),
            ({"TRUST_PROXY": 0}, "TRUST_PROXY is not set"),
            ({"AS_OWNER": True}, "DATABASE_AS_OWNER=1 is for commands"),
            ({"TARGET_GROUP_ARNS": ["console-ws"]}, "TARGET_GROUP_ARNS: 'console-ws' is not of the form arn:aws:"),
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


class TestDatabase:
    def test_the_servers_own_login_is_safe(self, cluster: Cluster) -> None:
        assert database_problems(parsed(cluster.urls.app)) == []

    @pytest.mark.parametrize("name", ["full_page_writes", "synchronous_commit"])
    def test_what_may_lose_messages_is_refused(self, cluster: Cluster, name: str) -> None:
        cluster.execute(f"ALTER SYSTEM SET {name} = off", "SELECT pg_reload_conf()")
        try:
            assert self._problems_soon(cluster) == [f"PostgreSQL has {name} off: what was acknowledged could be lost; set it on"]
        finally:
            cluster.execute(f"ALTER SYSTEM RESET {name}", "SELECT pg_reload_conf()")
            eventually(lambda: not database_problems(parsed(cluster.urls.app)), "the safe setting")

    def _problems_soon(self, cluster: Cluster) -> list[str]:
        """Once the server has read its settings again."""
        return eventually(lambda: database_problems(parsed(cluster.urls.app)), "a problem")

    def test_fsync_off_is_refused(self, cluster: Cluster) -> None:
        """Our own server has it on by its command line, so only what it says is changed here."""
        with psycopg.connect(cluster.urls.app) as connection:
            found = look(connection)
        assert _safety(found) == []
        (problem,) = _safety(found._replace(fsync="off"))
        assert problem.startswith("PostgreSQL has fsync off")

    def test_an_older_server_is_refused(self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database, "OLDEST", 99_00_00)
        (problem,) = database_problems(parsed(cluster.urls.app))
        assert problem.startswith("PostgreSQL is 18")

    @pytest.mark.parametrize(
        ("role", "said"),
        [
            ("LOGIN SUPERUSER", "a superuser: nothing would part the tenants"),
            ("LOGIN NOINHERIT IN ROLE porch_owner", "which owns the database: nothing would part the tenants"),
            ("LOGIN NOINHERIT CREATEROLE", "which may make roles"),
            ("LOGIN NOINHERIT BYPASSRLS", "which may make roles or look past row security"),
            ("LOGIN INHERIT", "which holds at once what its roles may do"),
        ],
    )
    def test_a_login_that_may_too_much_is_refused(self, cluster: Cluster, role: str, said: str) -> None:
        cluster.execute(f"CREATE ROLE checked {role} PASSWORD 'checked-too'", "GRANT CONNECT ON DATABASE porchlight TO checked")
        try:
            (problem,) = database_problems(parsed(cluster.urls.app) | {"USER": "checked", "PASSWORD": "checked-too"})
            assert problem.startswith("DATABASE_URL logs in as checked, " + said)
        finally:
            cluster.execute("DROP OWNED BY checked", "DROP ROLE checked")

    def test_one_that_is_away_is_refused(self, cluster: Cluster) -> None:
        (problem,) = database_problems(parsed(cluster.urls.app) | {"PORT": "1"})
        assert problem.startswith("DATABASE_URL: the database does not answer: ")


class TestOwner:
    """Of DATABASE_OWNER_URL, where it is used: by servers that make tenants, and by commands that run as it."""

    def test_porch_owner_is_fine(self, cluster: Cluster) -> None:
        assert owner_problems(parsed(cluster.urls.owner)) == []

    def test_a_superuser_is_refused(self, safe: Settings, cluster: Cluster) -> None:
        safe.DATABASES["owner"] = parsed(cluster.superuser)
        (problem,) = checks.problems()
        assert problem.startswith("DATABASE_OWNER_URL logs in as postgres, a superuser: ")

    def test_one_that_does_not_get_in_is_refused(self, safe: Settings) -> None:
        safe.DATABASES["owner"]["PASSWORD"] = "another"
        (problem,) = checks.problems()
        assert problem.startswith("DATABASE_OWNER_URL: the database does not answer: ")

    def test_who_serves_sockets_alone_has_no_use_for_it(self, safe: Settings, cluster: Cluster) -> None:
        with RedisServer() as url:
            safe.SERVES, safe.REDIS_HOSTS, safe.DATABASES["owner"] = "ws", [url], parsed(cluster.superuser)
            assert checks.problems() == []

    @pytest.mark.parametrize("command", [["migrate_tenants"], ["backup_tenant", "--all"], ["restore_tenant", "archive.tar"]])
    def test_commands_refuse_a_superuser_before_they_begin(self, cluster: Cluster, command: list[str]) -> None:
        told = {"DATABASE_URL": cluster.urls.app, "DATABASE_OWNER_URL": f"{cluster.superuser.rpartition('/')[0]}/porchlight"}
        done = manage(*command, check=False, **SAFE, **told, DATABASE_AS_OWNER="1")
        assert (done.returncode, "DATABASE_OWNER_URL logs in as postgres, a superuser" in done.stderr) == (1, True)
        with psycopg.connect(told["DATABASE_OWNER_URL"]) as connection:
            assert connection.execute("SELECT to_regnamespace('t_template')").fetchone() == (None,)


@pytest.mark.skipif(PGBOUNCER.find() is None, reason="no PgBouncer; `python -m saas.up.unpacked` fetches Debian's")
class TestPooler:
    def test_transaction_mode_is_refused(self, cluster: Cluster) -> None:
        with pgbouncer(cluster.urls.app, mode="transaction", drop=cluster.server.programs.drop) as url:
            (problem,) = database_problems(parsed(url))
        assert problem.startswith("DATABASE_URL leads to a pooler in transaction mode")

    def test_session_mode_is_fine(self, cluster: Cluster) -> None:
        with pgbouncer(cluster.urls.app, mode="session", drop=cluster.server.programs.drop) as url:
            assert database_problems(parsed(url)) == []

    def test_nor_does_the_owner_go_through_transaction_mode(self, cluster: Cluster) -> None:
        """Neither where a server makes tenants nor where a command migrates them."""
        with pgbouncer(cluster.urls.owner, mode="transaction", drop=cluster.server.programs.drop) as url:
            (problem,) = owner_problems(parsed(url))
            told = {"DATABASE_URL": cluster.urls.app, "DATABASE_OWNER_URL": url}
            done = manage("migrate_tenants", check=False, **SAFE, **told, DATABASE_AS_OWNER="1")
        assert problem.startswith("DATABASE_OWNER_URL leads to a pooler in transaction mode")
        assert (done.returncode, problem in done.stderr) == (1, True)

    def test_the_owner_may_go_through_session_mode(self, cluster: Cluster) -> None:
        with pgbouncer(cluster.urls.owner, mode="session", drop=cluster.server.programs.drop) as url:
            assert owner_problems(parsed(url)) == []


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


def holders(cluster: Cluster) -> list[int]:
    """The server processes that hold the one place."""
    with psycopg.connect(cluster.superuser) as connection:
        question = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s"
        return [pid for (pid,) in connection.execute(question, divmod(alone.PLACE, 1 << 32)).fetchall()]


def cut_off(cluster: Cluster, pid: int) -> None:
    """As a restart of the database does: what the session held is free."""
    cluster.execute(f"SELECT pg_terminate_backend({pid}, 5000)")
    assert pid not in holders(cluster)


class TestWithoutRedis:
    def test_there_is_one_place(self, safe: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(alone, "WAIT_MS", 50)
        held: list[alone.Place] = []
        monkeypatch.setattr(alone, "_held", held)
        assert checks.refusal() == ""
        assert checks.refusal().startswith("1 settings are not safe")
        for place in held:
            place.leave()
        assert checks.refusal() == ""
        held[-1].leave()

    def test_who_lost_it_to_another_says_so_and_takes_it_when_it_is_free(
        self, safe: Settings, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A server that serves is not ended for it."""
        held: list[alone.Place] = []
        monkeypatch.setattr(alone, "_held", held)
        assert checks.refusal() == ""
        checks.keep_the_place()
        (first,) = holders(cluster)
        cut_off(cluster, first)
        with psycopg.connect(cluster.urls.app, autocommit=True) as other:
            other.execute("SELECT pg_advisory_lock(%s)", [alone.PLACE])
            for _ in range(3):
                checks.keep_the_place()
            assert holders(cluster) == [other.info.backend_pid]
            other.execute("SELECT pg_advisory_unlock(%s)", [alone.PLACE])
        checks.keep_the_place()
        assert len(holders(cluster)) == 1
        held[-1].leave()
        (said,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
        assert said.startswith("Another server without Redis took the place of this one")

    def test_a_database_that_is_away_changes_nothing(self, cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
        place = alone.Place(parsed(cluster.urls.app) | {"PORT": "1"})
        place.look()
        assert caplog.records == []

    def test_a_server_has_its_place_also_after_the_database_was_away(
        self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(alone, "WAIT_MS", 50)
        server = make_server("uvicorn", redis_url="", **SAFE, **cluster.urls.environment()).start()
        try:
            (first,) = holders(cluster)
            cut_off(cluster, first)
            eventually(lambda: holders(cluster), "the server that takes its place again")
            (problem,) = alone.hold_the_place(parsed(cluster.urls.app))
        finally:
            server.stop()
        assert problem.startswith("another server without Redis serves from this database")
        server.log.unlink()

    def test_with_redis_there_is_room_for_all(self, safe: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        held: list[alone.Place] = []
        monkeypatch.setattr(alone, "_held", held)
        with RedisServer() as url:
            safe.REDIS_HOSTS = [url]
            assert [checks.refusal(), checks.refusal()] == ["", ""]
        assert held == []


SAFE = {
    "PORCHLIGHT_DEVELOPMENT": "0",
    "PORCHLIGHT_DEMO": "0",
    "PORCHLIGHT_SCHEME": "https",
    "TRUST_PROXY": "1",
    "SECRET_KEY": SECRET,
    "WORKER_IN_PROCESS": "1",
}
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
