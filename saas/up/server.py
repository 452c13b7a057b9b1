"""The web server as a child process: started, waited for, listened to, drained."""

import contextlib
import http.client
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from saas.up.options import Options
from saas.up.postgres import private
from saas.up.preparation import ROOT
from saas.up.processes import command_of, die_with_parent, is_running

MODULE = "saas.serve"
READY_TIMEOUT = 60.0  # seconds
DRAIN_TIMEOUT = 20.0  # seconds for a polite end; then the process is killed
LOG_LIMIT = 5_000_000  # bytes; a longer log is set aside once
POLL = 0.2  # seconds between two looks at the log
LEVEL = re.compile(rb"^(?:\S+ \S+ )?(INFO|DEBUG|WARNING|ERROR|CRITICAL)\b")  # how a record begins
LOUD = {b"WARNING", b"ERROR", b"CRITICAL"}
REFUSAL = b" WARNING django.request: "  # a 4xx answer: an address mistyped, a form without its token


class Server:
    """`python -m saas.serve` of one data folder. The kernel ends it if this process dies without a word."""

    def __init__(self, options: Options, env: dict[str, str]) -> None:
        self._options = options
        self._env = env | {"PYTHONUNBUFFERED": "1"}
        self._pid_file = _pid_file(options)
        self.log = options.data_dir / "server.log"
        self._process: subprocess.Popen[bytes]
        self._begun = self._read = 0  # bytes of the log: before this run, and looked at so far
        self._loud = False  # the record that is being read is a warning or worse

    def start(self) -> None:
        """Start it. Returns at once."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        words = [sys.executable, "-m", MODULE, "--host", "127.0.0.1", "--port", str(self._options.port)]
        with open(self.log, "ab", opener=private) as out:
            self._begun = self._read = out.tell()
            self._process = subprocess.Popen(
                words,
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,  # a terminal's Ctrl-C is for us: we drain it
                preexec_fn=die_with_parent,
            )
        self._pid_file.write_text(str(self._process.pid))

    def is_ready(self) -> bool:
        """Wait until it serves; False if it ended or does not answer in time."""
        end = time.monotonic() + READY_TIMEOUT
        while self._process.poll() is None and time.monotonic() < end:
            if self._answers():
                return True
            time.sleep(0.05)
        return False

    def follow(self) -> int:
        """Show warnings and errors of its log until it ends; its exit status, 128 + n for signal n."""
        while self._process.poll() is None:
            self._show_news()
            time.sleep(POLL)
        self._show_news()
        status = self._process.returncode
        return status if status >= 0 else 128 - status

    def stop(self) -> None:
        """Drain it and wait for its end; a signal in the meantime ends it at once."""
        try:
            if self._process.poll() is None:
                self._process.terminate()
                self._process.wait(DRAIN_TIMEOUT)
        except (subprocess.TimeoutExpired, KeyboardInterrupt, SystemExit):
            self._process.kill()
            self._process.wait()
        self._pid_file.unlink(missing_ok=True)

    def last_words(self, lines: int = 15) -> str:
        """The end of what it has written in this run."""
        return "\n".join(_from(self.log, self._begun).decode(errors="replace").splitlines()[-lines:])

    def _show_news(self) -> None:
        whole = _from(self.log, self._read).rpartition(b"\n")[0]
        if not whole:
            return
        self._read += len(whole) + 1
        for line in whole.split(b"\n"):
            self._loud = is_loud(line, before=self._loud)
            if self._loud:
                print(line.decode(errors="replace"), file=sys.stderr, flush=True)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._options.port, timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", "/healthz/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        return False


def is_loud(line: bytes, *, before: bool) -> bool:
    """Whether the terminal should show a line of the log: a warning of ours or worse, and not what a visitor was refused.

    A line that begins no record belongs to the one before it, as in a traceback.
    """
    level = LEVEL.match(line)
    return level[1] in LOUD and REFUSAL not in line if level else before


def end_leftover(options: Options) -> None:
    """End the server of an earlier run that was killed, if it outlived it."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(_pid_file(options).read_text())
        if is_running(pid) and MODULE in command_of(pid):
            os.kill(pid, signal.SIGTERM)
            end = time.monotonic() + DRAIN_TIMEOUT
            while is_running(pid) and time.monotonic() < end:
                time.sleep(0.05)
            if is_running(pid):
                os.kill(pid, signal.SIGKILL)
    _pid_file(options).unlink(missing_ok=True)


def _pid_file(options: Options) -> Path:
    return options.data_dir / "server.pid"


def _from(log: Path, offset: int) -> bytes:
    with open(log, "rb") as file:
        file.seek(offset)
        return file.read()
