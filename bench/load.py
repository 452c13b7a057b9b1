"""Drives the load generator, `bench/load/*.c`: tells it what to send, reads what it counted."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

SHARED = Path(__file__).parent  # the header that all of them have in common
SOURCES = SHARED / "load"
PATIENCE = 10.0  # seconds in which our client wants to be welcomed


class CannotMeasure(SystemExit):
    """There is no figure, and the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the sockets go, to each port in turn, and what counts there: texts that a delivered, or a refusing, frame holds.

    `beat` is a frame that each socket sends now and then, so that it is not taken for dead.
    """

    ports: Sequence[int]
    host: str
    delivered: str
    refused: str = ""
    protocol: str = ""
    beat: str = ""

    def options(self) -> list[str]:
        """The load generator's options."""
        return [
            *(word for port in self.ports for word in ("--port", str(port))),
            *("--host", self.host, "--origin", f"http://{self.host}", "--protocol", self.protocol),
            *("--mark", self.delivered, "--refused", self.refused, "--beat", self.beat),
        ]


Greeting = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Client:
    """One socket: where it goes, the messages it sends, and the frames it begins with, each with what its answer holds.

    In `message`, `{cid}` stands for a fresh UUID and `{text}` for the text; empty, the socket only reads. `again` is how it
    begins when it comes back, unless that is the same. An empty frame is not sent: its answer is waited for all the same.
    """

    path: str
    message: str = ""
    greeting: Greeting = ()
    again: Greeting = ()

    def line(self) -> str:
        """As the load generator reads it."""
        words = [self.path, self.message, *(word for pair in self.greeting for word in pair)]
        if self.again:
            words += ["again", *(word for pair in self.again for word in pair)]
        return "\t".join(words) + "\n"


@dataclass(frozen=True, slots=True)
class Order:
    """What to send: for `seconds`, with `window` messages in flight at any time, or `rate` of them each second.

    With `most`, no more messages than that.
    """

    seconds: float
    window: int = 1
    rate: float = 0.0
    most: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """What was counted in one run. `bytes` of payload were delivered; latencies in ms, from sending to each delivery."""

    sent: int
    delivered: int
    expected: int
    bytes: int
    refused: int
    gone: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float

    @property
    def rate(self) -> float:
        """Deliveries per second."""
        return self.delivered / self.seconds

    def is_whole(self) -> bool:
        """True if every message reached everyone once, and nothing was refused or cut off."""
        return self.sent > 0 and self.delivered == self.expected and not self.refused and not self.gone


@dataclass(frozen=True, slots=True)
class Back:
    """All sockets were lost and are back: seconds from the first loss until `half` of them were there again, and all.

    `dials` is how many connections that took.
    """

    half: float
    seconds: float
    dials: int


@dataclass(frozen=True, slots=True)
class Stay:
    """Sockets while servers came and went: how many were `lost` at least once, how many `ready` at the end, and their `returns`.

    Seconds without service: of `half` of the returns at most, and the `longest`. `busiest`: most returns within one second.
    """

    lost: int
    ready: int
    returns: int
    half: float
    longest: float
    busiest: int


def compiler() -> str | None:
    """The C compiler of this machine: $CC, or the first of the usual names."""
    names = (os.environ.get("CC", "cc"), "gcc", "clang")
    return next(filter(None, map(shutil.which, names)), None)


def build(folder: Path, sources: Path = SOURCES) -> Path:
    """Compile a load generator into `folder`. Raises `CannotMeasure` where there is no C compiler or no Linux."""
    cc = compiler()
    if cc is None:
        raise CannotMeasure("The load generator is C: install a compiler (Debian: apt install gcc libc6-dev) or set CC.")
    program = folder / sources.name
    words = [cc, "-O2", "-I", str(SHARED), "-o", str(program), *map(str, sorted(sources.glob("*.c")))]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    if result.returncode:
        raise CannotMeasure(f"{cc} could not compile the load generator:\n{result.stderr.strip()}")
    return program


class Load:
    """The load generator with all its sockets open, for as long as the `with` block lasts. Raises `CannotMeasure`.

    A message has `size` bytes of text and reaches `readers` sockets.
    """

    def __init__(self, program: Path, target: Target, clients: Sequence[Client], *, readers: int = 1, size: int = 64) -> None:
        self._words = [str(program), *target.options(), "--size", str(size), "--per-message", str(readers)]
        self._clients = clients

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        try:
            self._say("".join(client.line() for client in self._clients) + "open\n")
            opened = self._answer()
            if opened["failed"]:
                raise CannotMeasure(f"{opened['failed']} of {len(self._clients)} sockets did not open.{self._complaints()}")
        except BaseException:
            self._end()
            raise
        self.open_seconds: float = opened["seconds"]
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def run(self, order: Order) -> Run:
        """Send, then wait until all of it is delivered. Raises `CannotMeasure` unless it all was."""
        self._say(f"run {order.seconds} {order.window} {order.rate} {order.most}\n")
        answer = self._answer()
        run = Run(**{name: answer[name] for name in Run.__dataclass_fields__})
        if not run.is_whole():
            raise CannotMeasure(f"The run is not whole: {run}{self._complaints()}")
        return run

    def begin_return(self, seconds: float, *, patience: float = PATIENCE) -> None:
        """From now on, lost sockets come back as the client does. `returned` waits for them, at most `seconds` from now.

        A connection without an answer is given up after `patience` seconds.
        """
        self._say(f"back {seconds} {patience}\n")
        self._answer()

    def begin_stay(self, *, patience: float = PATIENCE) -> None:
        """From now on, lost sockets come back as the client does, as often as they are lost. `stayed` ends it."""
        self._say(f"stay {patience}\n")
        self._answer()

    def stayed(self) -> Stay:
        """What became of them since `begin_stay`."""
        self._say("enough\n")
        answer = self._answer()
        return Stay(**{name: answer[name] for name in Stay.__dataclass_fields__})

    def returned(self) -> Back:
        """Wait until all were lost and are back. Raises `CannotMeasure` if some are not."""
        answer = self._answer()
        if not answer["lost"] == answer["back"] == len(self._clients):
            counts = f"{answer['lost']} of {len(self._clients)} sockets were lost, {answer['back']} are there now"
            raise CannotMeasure(f"Not all came back: {counts}.{self._complaints()}")
        return Back(answer["half"], answer["seconds"], answer["dials"])

    def _say(self, text: str) -> None:
        try:
            _pipe(self._process.stdin).write(text)
            _pipe(self._process.stdin).flush()
        except BrokenPipeError:
            raise CannotMeasure(f"The load generator has ended.{self._complaints()}") from None

    def _answer(self) -> dict[str, Any]:
        """The next line that it prints. It ends by itself what takes too long, so this does not hang."""
        line = _pipe(self._process.stdout).readline()
        if not line:
            raise CannotMeasure(f"The load generator has ended.{self._complaints()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _complaints(self) -> str:
        """What it wrote to stderr. Ends it, since nothing else tells where that stops."""
        self._end()
        return "".join(f"\n  {line}" for line in self._stderr.splitlines())

    _stderr = ""

    def _end(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
            self._stderr = self._process.communicate()[1]


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None  # asked for in Popen
    return pipe
