"""The one place of a server that has no Redis: nobody else has it, also after the database was away."""

import psycopg
import pytest
from pytest_django import Settings

from saas import checks
from saas.checks import alone
from saas.up.redis import RedisServer
from tests.infra.checked import SAFE, Cluster, eventually, parsed
from tests.support.server import make_server

pytestmark = pytest.mark.xdist_group("infra")


def holders(cluster: Cluster) -> list[int]:
    """The server processes that hold the one place."""
    with psycopg.connect(cluster.superuser) as connection:
        question = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s"
        return [pid for (pid,) in connection.execute(question, divmod(alone.PLACE, 1 << 32)).fetchall()]


def cut_off(cluster: Cluster, pid: int) -> None:
    """As a restart of the database does: what the session held is free."""
    cluster.execute(f"SELECT pg_terminate_backend({pid}, 5000)")
    eventually(lambda: pid not in holders(cluster), "the end of a session")


class TestWithoutRedis:
    def test_there_is_one_place(self, safe: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        held: list[alone.Place] = []
        monkeypatch.setattr(alone, "_held", held)
        assert checks.refusal() == ""
        with monkeypatch.context() as hurried:
            hurried.setattr(alone, "WAIT_MS", 50)
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

    def test_its_own_session_from_before_a_cut_is_nobody_else(
        self, safe: Settings, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Where the network was cut, the database has that session for some seconds more."""
        place = alone.Place(parsed(cluster.urls.app))
        monkeypatch.setattr(alone, "_held", [place])
        assert place.take(wait_ms=alone.WAIT_MS)
        (first,) = holders(cluster)
        before, place._connection = place._connection, None
        assert before is not None
        for _ in range(3):
            checks.keep_the_place()
        assert holders(cluster) == [first]
        before.close()
        eventually(lambda: not holders(cluster), "the end of the first session")
        checks.keep_the_place()
        (second,) = holders(cluster)
        place.leave()
        assert second != first
        assert [record.levelname for record in caplog.records] == ["WARNING"]  # that it is known again

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
