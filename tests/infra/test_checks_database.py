"""A database or a login that is not safe is refused, by servers and by commands that run as the owner."""

import psycopg
import pytest
from pytest_django import Settings

from saas import checks
from saas.checks import database
from saas.checks.database import _safety, database_problems, look
from saas.core.logins import owner_problems
from saas.up.redis import RedisServer
from saas.up.unpacked import PGBOUNCER
from tests.infra.checked import SAFE, Cluster, eventually, parsed
from tests.support.cluster import manage
from tests.support.pgbouncer import pgbouncer

pytestmark = pytest.mark.xdist_group("infra")


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

    def test_one_who_is_given_too_few_sessions_for_the_look_reads_how_many_it_takes(self, cluster: Cluster) -> None:
        """As behind a small pool of a pooler in session mode."""
        cluster.execute("ALTER ROLE porch_owner CONNECTION LIMIT 2")
        try:
            (problem,) = owner_problems(parsed(cluster.urls.owner))
        finally:
            cluster.execute("ALTER ROLE porch_owner CONNECTION LIMIT -1")
        assert "too many connections" in problem
        assert problem.endswith("; this look takes 3 sessions at once, so a pooler must have as many")

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
