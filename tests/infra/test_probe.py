"""`python -m saas.probe` tells a container's engine or a unit whether its server is well."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import saas.probe
from saas.up.database import ROOT
from saas.up.processes import free_port
from tests.support.patience import PATIENCE


class Probed(HTTPServer):
    """A server that answers its probes with these statuses, one after the other; the last one again and again."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.statuses = [200]
        self.asked: list[str] = []


class Answer(BaseHTTPRequestHandler):
    server: Probed

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        statuses = self.server.statuses
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        return None


@pytest.fixture
def probed() -> Iterator[Probed]:
    with Probed() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def probe(port: int, *words: str) -> int:
    """Its exit status."""
    command = [sys.executable, "-m", "saas.probe", *words, "--port", str(port)]
    return subprocess.run(command, cwd=ROOT, env={}, check=False).returncode  # it needs no setting


@pytest.mark.parametrize(("status", "exit_status"), [(200, 0), (503, 1)])
def test_it_says_what_the_server_says(probed: Probed, monkeypatch: pytest.MonkeyPatch, status: int, exit_status: int) -> None:
    monkeypatch.setattr(saas.probe, "TIMEOUT", PATIENCE)
    monkeypatch.setattr(sys, "argv", ["probe", "live", "--port", str(probed.server_port)])
    probed.statuses = [status]
    assert saas.probe.main() == exit_status
    assert probed.asked == ["/healthz/live"]


def test_nobody_is_not_well() -> None:
    assert probe(free_port()) == 1


def test_it_waits_for_one_that_starts(probed: Probed) -> None:
    probed.statuses = [503, 503, 200]
    assert probe(probed.server_port, "ready", "--wait", "60") == 0
    assert probed.asked[:3] == ["/healthz/ready"] * 3
