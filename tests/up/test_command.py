"""`python -m saas.up`, the command behind `make up`: what it refuses, what it tells, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from saas.up.database import ROOT
from saas.up.processes import command_of, is_running
from tests.support.patience import PATIENCE
from tests.support.server import lasting_port

SELF_MADE = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "DATABASE_AS_OWNER",
    "REDIS_URL",
    "SECRET_KEY",
    "PORCHLIGHT_BASE_HOST",
    "PORCHLIGHT_DEVELOPMENT",
    "STRIPE_SECRET_KEY",
)
START_SECONDS = 240.0
END_SECONDS = 90.0

pytestmark = pytest.mark.timeout(400)  # with a start


class Up:
    """A run of the command in a data folder."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.port = lasting_port()
        kept = {name: value for name, value in os.environ.items() if name not in SELF_MADE}
        self._env = kept | {"DATA_DIR": str(folder), "PORT": str(self.port), **variables}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "saas.up"],
            cwd=ROOT,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def facts(self) -> dict[str, Any]:
        """What up.json says, once it does."""
        told, end = self.folder / "up.json", time.monotonic() + START_SECONDS
        while not told.exists():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, "it did not start in time"
            time.sleep(0.1)
        found: dict[str, Any] = json.loads(told.read_text())
        return found

    def server(self) -> int:
        """The web server's process."""
        return int((self.folder / "server.pid").read_text())

    def said(self) -> str:
        """All that it wrote; waits for its end."""
        return self.process.communicate(timeout=END_SECONDS)[0]

    def status(self) -> int:
        return self.process.wait(END_SECONDS)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Python with these words, on the same data."""
        command = [sys.executable, "-m", "saas.up", "run", *words]
        return subprocess.run(command, cwd=ROOT, env=self._env, capture_output=True, text=True, check=False)

    def get(self, host: str, path: str) -> int:
        """The status of a page."""
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", headers={"host": host}, timeout=PATIENCE).status_code


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A data folder with a space in its name, which all runs of this file share as those of `make up` do."""
    with tempfile.TemporaryDirectory(prefix="porch light ") as made:
        Path(made).chmod(0o755)  # as root, the database's account must enter it
        yield Path(made)


@pytest.fixture(scope="module")
def runs() -> Iterator[list[Up]]:
    """The runs of this file, the last of which may still be on."""
    made: list[Up] = []
    yield made
    for run in made:
        if run.process.poll() is None:
            run.process.terminate()
            run.said()


@pytest.fixture
def up(folder: Path, runs: list[Up]) -> Up:
    """The command, running and ready: that of the test before, if it left one."""
    if not runs or runs[-1].process.poll() is not None:
        runs.append(Up(folder))
    runs[-1].facts()
    return runs[-1]


def refusal(folder: Path, **variables: str) -> str:
    """The one line with which the command ends at once."""
    run = Up(folder, **variables)
    said = run.said().strip()
    assert run.status() == 1
    assert "\n" not in said
    return said


def wait_until_gone(pid: int) -> None:
    end = time.monotonic() + END_SECONDS
    while is_running(pid):
        assert time.monotonic() < end, f"still there: {command_of(pid)}"
        time.sleep(0.05)


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "8000.5"])
def test_what_is_no_port_is_refused(tmp_path: Path, port: str) -> None:
    assert refusal(tmp_path, PORT=port) == f"PORT={port} is not a port; use a number from 1024 to 65535."


def test_a_busy_port_is_refused_with_its_holder_and_a_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        said = refusal(tmp_path, PORT=str(port))
    assert f"port {port} is held by process {os.getpid()}" in said
    assert "make up PORT=" in said


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "make up DATA_DIR=" in refusal(tmp_path / "file")


def test_half_of_a_database_is_refused(tmp_path: Path) -> None:
    assert "belong together" in refusal(tmp_path, DATABASE_URL="postgresql://porch_app@localhost/porchlight")


@pytest.mark.xdist_group("up")
def test_it_tells_where_everything_is(up: Up) -> None:
    facts = up.facts()
    assert facts["connect"] == f"127.0.0.1:{up.port}"
    assert [tenant["slug"] for tenant in facts["tenants"]] == ["acme", "globex"]
    assert up.get(f"localhost:{up.port}", "/healthz/ready") == 200
    assert up.get(f"demo.localhost:{up.port}", "/globex/") == 200
    assert up.get(f"widget.localhost:{up.port}", f"/w/{facts['tenants'][0]['embed_key']}/config") == 200
    assert up.get(f"nobody.localhost:{up.port}", "/") == 404
    assert "Porchlight's stand-in for Stripe" in httpx.get(facts["stripe's stand-in"], timeout=PATIENCE).text


@pytest.mark.xdist_group("up")
def test_plans_and_prices_are_in_the_stand_in(up: Up) -> None:
    checked = up.run("manage.py", "sync_plans", "--check")
    assert (checked.returncode, checked.stdout) == (0, "Plans and prices are as they should be.\n"), checked.stderr


@pytest.mark.xdist_group("up")
def test_a_second_run_on_the_same_data_is_refused(up: Up) -> None:
    assert f"already runs on {up.folder}, as process {up.process.pid}" in refusal(up.folder)


@pytest.mark.xdist_group("up")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_of_it(up: Up, number: signal.Signals) -> None:
    server, stand_in = up.server(), up.facts()["stripe's stand-in"]
    up.process.send_signal(number)
    assert "Stopping" in up.said()
    assert up.status() == 0
    assert not is_running(server)
    with pytest.raises(httpx.ConnectError):
        httpx.get(stand_in)
    assert not (up.folder / "up.json").exists()


@pytest.mark.xdist_group("up")
def test_the_next_run_has_the_data_on_whatever_port(up: Up, runs: list[Up]) -> None:
    before = up.facts()
    up.process.terminate()
    assert up.status() == 0
    runs.append(Up(up.folder))
    after = runs[-1].facts()
    assert [tenant["embed_key"] for tenant in after["tenants"]] == [tenant["embed_key"] for tenant in before["tenants"]]
    assert after["stripe's stand-in"] == before["stripe's stand-in"]
    assert after["demo_page"] == f"http://demo.localhost:{runs[-1].port}/" != before["demo_page"]


@pytest.mark.xdist_group("up")
def test_it_ends_with_its_server_and_says_so(up: Up) -> None:
    os.kill(up.server(), signal.SIGKILL)
    assert "The server ended by itself, with status 137" in up.said()
    assert up.status() == 137


@pytest.mark.xdist_group("up")
def test_its_server_does_not_outlive_it(up: Up) -> None:
    server = up.server()
    up.process.kill()
    wait_until_gone(server)
