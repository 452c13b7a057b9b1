"""The HTTP load generator: it counts whole answers, and a refusal gives no figure."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bench.load import SOURCES, build, compiler
from tests.support.patience import PATIENCE

CONNECTIONS = 5
LONGEST = 12.8  # seconds, where the machine is so busy that nothing comes through in less


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if compiler() is None:
        pytest.skip("no C compiler here")
    return build(tmp_path_factory.mktemp("load"), SOURCES.with_name("web_load"))


class Answers(BaseHTTPRequestHandler):
    """Says 200, or 404 away from /config, and keeps the connection."""

    protocol_version = "HTTP/1.1"
    counted = 0

    def do_GET(self) -> None:
        type(self).counted += 1
        body = b"{}" * 5_000
        self.send_response(200 if self.path == "/config" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Not to the tests' output."""


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """The load generator ends with answers under way."""


@contextmanager
def server() -> Iterator[tuple[int, type[Answers]]]:
    answers = type("Counting", (Answers,), {"counted": 0})
    with Server(("127.0.0.1", 0), answers) as running:
        thread = Thread(target=running.serve_forever)
        thread.start()
        yield running.server_address[1], answers
        running.shutdown()
        thread.join()


def run(program: Path, port: int, path: str, *, seconds: float = LONGEST) -> subprocess.CompletedProcess[str]:
    words = [str(program), "--port", str(port), "--path", path, "--connections", str(CONNECTIONS), "--seconds", str(seconds)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE)


def counted(program: Path) -> tuple[dict[str, float], int]:
    """What it counted and what the server did, of a run that is long enough for an answer."""
    seconds = 0.2
    while True:
        with server() as (port, answers):
            said: dict[str, float] = json.loads(run(program, port, "/config", seconds=seconds).stdout)
        if said["answers"] or seconds >= LONGEST:
            return said, answers.counted
        seconds *= 2


def test_counts_whole_answers(program: Path) -> None:
    said, served = counted(program)
    assert 0 < said["answers"] <= served <= said["answers"] + CONNECTIONS  # those under way at the end are not counted
    assert said["closed"] == 0
    assert 0 < said["p50_ms"] <= said["p99_ms"]


def test_a_refusal_gives_no_figure(program: Path) -> None:
    with server() as (port, _):
        ended = run(program, port, "/elsewhere")
    assert ended.returncode
    assert "not an answer to count: HTTP/1.1 404" in ended.stderr
