"""The flood against a small server: it says, asks and comes as it is told, and counts what becomes of it."""

import http
import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from bench.load import SOURCES, build, compiler

SECONDS, FRAMES, REQUESTS = 0.5, 200, 40
LONGEST = 16.0  # seconds of a flood, where the machine is so busy that little comes through in less
HELLO, JOIN, HISTORY = ('{"t":"hello"}', '{"t":"join"}', '{"t":"history"}')
SEND = '{"t":"send","cid":"{cid}"}'
ANSWERS = {"hello": "welcome", "join": "joined", "history": "page", "send": "ack"}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if compiler() is None:
        pytest.skip("no C compiler here")
    return build(tmp_path_factory.mktemp("flood"), SOURCES.with_name("flood"))


@dataclass
class Shop:
    """Answers each frame, and requests with these statuses in turn."""

    statuses: Sequence[int]
    port: int = 0
    frames: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def ask(self, _socket: ServerConnection, request: Request) -> Response | None:
        if request.path != "/api":
            return None
        self.tokens.append(request.headers["Authorization"])
        status = http.HTTPStatus(self.statuses[len(self.tokens) % len(self.statuses)])
        # the connection ends with it, and is dialled again
        return Response(status, status.phrase, headers_of(b"none"), b"none")

    def serve(self, socket: ServerConnection) -> None:
        for text in socket:
            self.frames.append(json.loads(text))
            socket.send(f'{{"t":"{ANSWERS[self.frames[-1]["t"]]}"}}')


def headers_of(body: bytes) -> Headers:
    return Headers({"Content-Length": str(len(body)), "Connection": "close"})


@contextmanager
def opened(*statuses: int) -> Iterator[Shop]:
    shop = Shop(statuses=statuses or (200, 429))
    with serve(shop.serve, "127.0.0.1", 0, process_request=shop.ask, compression=None) as server:
        shop.port = server.socket.getsockname()[1]
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield shop
        server.shutdown()
        thread.join()


def flood(
    program: Path,
    shop: Shop,
    *lines: tuple[str, ...],
    frames: int = FRAMES,
    requests: int = REQUESTS,
    seconds: float = SECONDS,
) -> dict[str, int]:
    """What it counted. Raises CalledProcessError when it gave up."""
    said = "".join("\t".join(line) + "\n" for line in lines) + f"begin\nflood {seconds}\n"
    words = [
        str(program),
        "--port",
        str(shop.port),
        "--api-port",
        str(shop.port),
        "--frames",
        str(frames),
        "--requests",
        str(requests),
    ]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(said)
        process.stdin.flush()
        line = process.stdout.readline()
        _, complaint = process.communicate()
    if not line:
        raise subprocess.CalledProcessError(process.returncode, words, stderr=complaint)
    counted: dict[str, int] = json.loads(line)
    return counted


def long_flood(program: Path, line: tuple[str, ...], name: str, least: int) -> tuple[dict[str, int], Shop]:
    """What it counted, and the shop: of a flood that is long enough for so many of these."""
    seconds = SECONDS
    while True:
        with opened() as shop:
            counted = flood(program, shop, line, seconds=seconds)
        if counted[name] >= least or seconds >= LONGEST:
            return counted, shop
        seconds *= 2


def talk(kind: str = "talk") -> tuple[str, ...]:
    return (kind, "acme.localhost", "/ws", "porchlight.v1", HELLO, JOIN, SEND, HISTORY)


ASK = ("ask", "acme.localhost", "/api", "secret")


def test_frames_at_the_pace_each_tenth_a_read_of_history(program: Path) -> None:
    with opened() as shop:
        counted = flood(program, shop, talk(), talk())
    sent = [frame["cid"] for frame in shop.frames if frame["t"] == "send"]
    assert FRAMES * SECONDS * 0.3 < counted["said"] <= FRAMES * SECONDS
    assert len(sent) == len(set(sent)) == counted["said"] - -(-counted["said"] // 10)
    assert counted["taken"] + counted["pages"] in range(counted["said"] - 20, counted["said"] + 1)
    assert [counted[name] for name in ("held", "refused", "visits", "asked")] == [0, 0, 0, 0]


def test_visitors_come_say_something_and_come_again(program: Path) -> None:
    counted, shop = long_flood(program, talk("visit"), "visits", 3)
    hellos = [frame for frame in shop.frames if frame["t"] == "hello"]
    assert counted["visits"] >= 3
    assert len(hellos) in range(counted["visits"], counted["visits"] + 2)
    reads = len([frame for frame in shop.frames if frame["t"] == "history"])
    assert counted["said"] % 10 == 0
    assert abs(reads - counted["said"] // 10) <= 1  # one visitor is there when the count ends, and goes on


def test_requests_with_the_token_and_those_that_are_refused(program: Path) -> None:
    counted, shop = long_flood(program, ASK, "answered", 2)
    settled = counted["answered"] + counted["put_off"]
    assert set(shop.tokens) == {"Bearer secret"}
    assert 4 <= len(shop.tokens) <= counted["asked"]
    assert counted["answered"] == pytest.approx(counted["put_off"], abs=1)
    assert settled <= len(shop.tokens) <= settled + 1 + counted["lost"]


def test_an_answer_that_is_neither_ends_it(program: Path) -> None:
    with opened(404) as shop, pytest.raises(subprocess.CalledProcessError) as error:
        flood(program, shop, ASK)
    assert "not expected: HTTP/1.1 404" in error.value.stderr
