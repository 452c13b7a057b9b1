"""The load generator as a client whose server restarts: it comes back as the product's client does, and no sooner."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Semaphore, Thread

import pytest
from websockets.sync.server import ServerConnection, serve

from bench.load import CannotMeasure, Client, Load, Target, build, compiler
from tests.support.patience import PATIENCE

SOCKETS = 5
AFTER_MS = 300
GREETING, AGAIN = [("hello", "welcome")], [("hello again", "welcome"), ("", "caught up")]
CLIENTS = [Client("/", greeting=GREETING, again=AGAIN)] * SOCKETS


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if compiler() is None:
        pytest.skip("no C compiler here")
    return build(tmp_path_factory.mktemp("load"))


@dataclass
class Restarting:
    """A server that can lose all its sockets at once."""

    port: int
    deaf: bool = False  # whether the next hello is not answered
    hellos: list[str] = field(default_factory=list)
    sockets: list[ServerConnection] = field(default_factory=list)
    told: Semaphore = field(default_factory=lambda: Semaphore(0))  # one for each that came back and was told so

    def take(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        for text in map(str, socket):
            self.hellos.append(text)
            if self.deaf:
                self.deaf = False
                continue
            socket.send("welcome")
            if text == "hello again":
                socket.send("caught up")
                self.told.release()

    def lose_all(self, last_words: str = "") -> None:
        gone, self.sockets = self.sockets, []
        for socket in gone:
            if last_words:
                socket.send(last_words)
            socket.close(1012)


@contextmanager
def server() -> Iterator[Restarting]:
    restarting = Restarting(0)
    with serve(restarting.take, "127.0.0.1", 0, compression=None) as running:
        restarting.port = running.socket.getsockname()[1]
        thread = Thread(target=running.serve_forever)
        thread.start()
        yield restarting
        running.shutdown()
        thread.join()


def load_of(program: Path, restarting: Restarting) -> Load:
    return Load(program, Target([restarting.port], "localhost", delivered="say"), CLIENTS)


def test_comes_back_after_the_time_that_bye_says(program: Path) -> None:
    with server() as restarting, load_of(program, restarting) as load:
        load.begin_return(PATIENCE, patience=PATIENCE)
        restarting.lose_all(f'{{"t":"bye","code":1012,"after":{AFTER_MS}}}')
        back = load.returned()
    assert AFTER_MS / 1e3 <= back.half <= back.seconds < PATIENCE
    assert back.dials == SOCKETS
    assert restarting.hellos == ["hello"] * SOCKETS + ["hello again"] * SOCKETS


def test_comes_back_within_the_first_pause_where_nothing_was_said(program: Path) -> None:
    with server() as restarting, load_of(program, restarting) as load:
        load.begin_return(PATIENCE, patience=PATIENCE)
        restarting.lose_all()
        assert 0 < load.returned().seconds < PATIENCE
    assert len(restarting.sockets) == SOCKETS


def test_gives_up_a_connection_that_brings_no_answer(program: Path) -> None:
    with server() as restarting, load_of(program, restarting) as load:
        load.begin_return(PATIENCE, patience=0.5)
        restarting.deaf = True
        restarting.lose_all()
        back = load.returned()
    assert back.dials > SOCKETS
    assert back.seconds > 0.5


def test_who_was_never_lost_did_not_come_back(program: Path) -> None:
    with server() as restarting, load_of(program, restarting) as load:
        load.begin_return(0.1)
        with pytest.raises(CannotMeasure, match="0 of 5 sockets were lost"):
            load.returned()


def test_tells_how_long_each_was_without_service_as_often_as_it_was_lost(program: Path) -> None:
    with server() as restarting, load_of(program, restarting) as load:
        load.begin_stay(patience=PATIENCE)
        for _ in range(2):
            restarting.lose_all(f'{{"t":"bye","code":1012,"after":{AFTER_MS}}}')
            assert all(restarting.told.acquire(timeout=PATIENCE) for _ in range(SOCKETS)), "they do not come back"
        stay = load.stayed()  # which reads what it was told before it reads the order
    assert (stay.lost, stay.ready, stay.returns) == (SOCKETS, SOCKETS, 2 * SOCKETS)
    assert AFTER_MS / 1e3 <= stay.half <= stay.longest < PATIENCE
    assert stay.busiest >= SOCKETS
