"""The load generator against small servers that keep the rules, or break one of them: a wrong figure must not pass."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from websockets.sync.server import ServerConnection, serve

from bench.load import CannotMeasure, Client, Load, Order, Target, build, compiler

READERS = 5
SIZE = 200
ORDER = Order(seconds=0.2, window=4)
GREETING = [("hello", "welcome"), ("join", "joined")]
CLIENTS = [Client("/", "say {cid} {text}", GREETING), *[Client("/", "", GREETING)] * (READERS - 1)]
ANSWERS = {"hello": "welcome", "join": "joined"}

Relay = Callable[[set[ServerConnection], str], None]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if compiler() is None:
        pytest.skip("no C compiler here")
    return build(tmp_path_factory.mktemp("load"))


@contextmanager
def room(relay: Relay) -> Iterator[Target]:
    """A server that answers the greeting and relays the rest."""
    joined: set[ServerConnection] = set()

    def take(socket: ServerConnection) -> None:
        for text in map(str, socket):
            if text == "join":
                joined.add(socket)
            if text in ANSWERS:
                socket.send(ANSWERS[text])
            else:
                relay(joined, text)

    with serve(take, "127.0.0.1", 0, compression=None) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield Target([server.socket.getsockname()[1]], "acme.localhost", delivered="say", refused="no:")
        server.shutdown()
        thread.join()


def load_of(program: Path, target: Target) -> Load:
    return Load(program, target, CLIENTS, readers=READERS, size=SIZE)


def to_everyone(joined: set[ServerConnection], text: str) -> None:
    for socket in joined:
        socket.send(text)


def twice_to_one(joined: set[ServerConnection], text: str) -> None:
    to_everyone(joined, text)
    next(iter(joined)).send(text)


def refused(joined: set[ServerConnection], text: str) -> None:
    next(iter(joined)).send("no: you are too fast")


def cut_off(joined: set[ServerConnection], text: str) -> None:
    to_everyone(joined, text)
    joined.pop().close(4008)


def test_counts_every_delivery_once(program: Path) -> None:
    said: list[str] = []

    def relay(joined: set[ServerConnection], text: str) -> None:
        said.append(text)
        to_everyone(joined, text)

    with room(relay) as target, load_of(program, target) as load:
        run = load.run(ORDER)
    assert run.sent == len(said) == len({text.split()[1] for text in said})  # each with a cid of its own
    assert run.delivered == run.expected == READERS * len(said)
    assert run.bytes == READERS * sum(map(len, said))
    assert 0 < run.p50_ms <= run.p99_ms <= run.max_ms
    assert {len(text.split(" ", 2)[2]) for text in said} == {SIZE}


def test_sends_at_the_rate_and_no_more_than_the_most(program: Path) -> None:
    with room(to_everyone) as target, load_of(program, target) as load:
        shares = sent_of_due(load)
        few = load.run(Order(seconds=60, window=4, most=30))
    assert max(shares) <= 1
    assert shares[-1] >= 0.8  # a late one is not made up for after the end
    assert few.sent == 30
    assert few.seconds < 60


def sent_of_due(load: Load, *, rate: float = 100) -> list[float]:
    """Which share was sent of what was due, in runs that are longer and longer, until one shows the rate."""
    shares: list[float] = []
    for seconds in (0.5, 2.0, 8.0, 32.0):
        shares.append(load.run(Order(seconds=seconds, rate=rate)).sent / (rate * seconds))
        if shares[-1] >= 0.8:
            break
    return shares


@pytest.mark.parametrize(
    ("relay", "why"),
    [
        pytest.param(twice_to_one, "is not whole", id="doubled"),
        pytest.param(refused, "you are too fast", id="refused"),
        pytest.param(cut_off, "closed by the server: 4008", id="cut off"),
    ],
)
def test_a_run_that_is_not_whole_gives_no_figure(program: Path, relay: Relay, why: str) -> None:
    with (
        room(relay) as target,
        load_of(program, target) as load,
        pytest.raises(CannotMeasure, match=why),
    ):
        load.run(ORDER)


def test_a_server_that_is_away_gives_no_figure(program: Path) -> None:
    with room(to_everyone) as target:
        pass
    with (
        pytest.raises(CannotMeasure, match="5 of 5 sockets did not open"),
        load_of(program, target),
    ):
        pass


def test_says_what_to_do_without_a_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(CannotMeasure, match="install a compiler"):
        build(tmp_path)
