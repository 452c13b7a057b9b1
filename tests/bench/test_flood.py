"""The flood against a small server: it says, asks and comes as it is told, and counts what becomes of it."""

import http
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from bench.load import SOURCES, build, compiler
from tests.support.patience import PATIENCE

SECONDS, FRAMES, REQUESTS = 0.5, 200, 40
LONGEST = 16.0  # seconds of a flood, where the machine is so busy that little comes through in less
HELLO, JOIN, HISTORY = ('{"t":"hello"}', '{"t":"join"}', '{"t":"history"}')
SEND = '{"t":"send","cid":"{cid}"}'
ANSWERS = {"hello": "welcome", "join": "joined", "history": "page", "send": "ack"}

Counted = dict[str, int]


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

    def heard(self) -> list[dict[str, str]]:
        """The frames that were said, apart from the greeting."""
        return [frame for frame in self.frames if frame["t"] in {"send", "history"}]

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
) -> Counted:
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
        if line and all(kind == "talk" for kind, *_ in lines):
            hear_out(shop, json.loads(line)["said"])
        _, complaint = process.communicate()
    if not line:
        raise subprocess.CalledProcessError(process.returncode, words, stderr=complaint)
    counted: Counted = json.loads(line)
    return counted


def hear_out(shop: Shop, said: int) -> None:
    """Wait until the shop has read all that was said: it reads no more once the other end has left."""
    end = time.monotonic() + PATIENCE
    while len(shop.heard()) < said:
        assert time.monotonic() < end, f"{len(shop.heard())} of {said} frames came"
        time.sleep(0.01)


def long_flood(program: Path, *lines: tuple[str, ...], until: Callable[[Counted, float], bool]) -> tuple[Counted, Shop]:
    """What it counted, and the shop: of a flood that is long enough for this to hold of its count and its seconds."""
    seconds = SECONDS
    while True:
        with opened() as shop:
            counted = flood(program, shop, *lines, seconds=seconds)
        if (is_enough := until(counted, seconds)) or seconds >= LONGEST:
            assert is_enough, counted
            return counted, shop
        seconds *= 2


def at_the_pace(counted: Counted, seconds: float) -> bool:
    """Whether much of what was due was said, and of that much answered. More than was due is never said."""
    due, answered = FRAMES * seconds, counted["taken"] + counted["pages"]
    assert answered <= counted["said"] <= due
    return counted["said"] > due * 0.3 and answered > counted["said"] * 0.5


def talk(kind: str = "talk") -> tuple[str, ...]:
    return (kind, "acme.localhost", "/ws", "porchlight.v1", HELLO, JOIN, SEND, HISTORY)


ASK = ("ask", "acme.localhost", "/api", "secret")


def test_frames_at_the_pace_each_tenth_a_read_of_history(program: Path) -> None:
    counted, shop = long_flood(program, talk(), talk(), until=at_the_pace)
    sent = [frame["cid"] for frame in shop.heard() if frame["t"] == "send"]
    assert len(shop.heard()) == counted["said"]
    assert len(sent) == len(set(sent)) == counted["said"] - -(-counted["said"] // 10)
    assert [counted[name] for name in ("held", "refused", "visits", "asked")] == [0, 0, 0, 0]


def test_visitors_come_say_something_and_come_again(program: Path) -> None:
    counted, shop = long_flood(program, talk("visit"), until=lambda counted, _: counted["visits"] >= 3)
    hellos = [frame for frame in shop.frames if frame["t"] == "hello"]
    assert len(hellos) in range(counted["visits"], counted["visits"] + 2)
    reads = len([frame for frame in shop.frames if frame["t"] == "history"])
    assert counted["said"] % 10 == 0
    assert abs(reads - counted["said"] // 10) <= 1  # one visitor is there when the count ends, and goes on


def test_requests_with_the_token_and_those_that_are_refused(program: Path) -> None:
    counted, shop = long_flood(program, ASK, until=lambda counted, _: counted["answered"] >= 2)
    settled = counted["answered"] + counted["put_off"]
    assert set(shop.tokens) == {"Bearer secret"}
    assert 4 <= len(shop.tokens) <= counted["asked"]
    assert counted["answered"] == pytest.approx(counted["put_off"], abs=1)
    assert settled <= len(shop.tokens) <= settled + 1 + counted["lost"]


def test_an_answer_that_is_neither_ends_it(program: Path) -> None:
    with opened(404) as shop, pytest.raises(subprocess.CalledProcessError) as error:
        flood(program, shop, ASK, seconds=LONGEST)
    assert "not expected: HTTP/1.1 404" in error.value.stderr
