"""The stand-in for Stripe as a child process: beside the server of `make up` when there is no key of Stripe, and in tests."""

import contextlib
import fcntl
import http.client
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from saas.up.options import Options, Refused
from saas.up.postgres import private, try_lock, write_private
from saas.up.processes import die_with_parent, free_port, refusal

ROOT: Final = Path(__file__).resolve().parents[2]
MODULE: Final = "billing.sandbox"
START_TIMEOUT: Final = 90.0  # seconds, with every core taken by others
STOP_TIMEOUT: Final = 5.0  # seconds for a polite end; then the process is killed
POLL: Final = 0.02  # seconds
LOG_LIMIT: Final = 1_000_000  # bytes; a longer log begins anew
PATHS: Final = ("/stripe/webhook/", "/stripe/webhook/thin/")  # of the platform: for snapshot events, and for thin ones


class NoStandIn(RuntimeError):
    """It does not start; the message has its last words."""


@dataclass(frozen=True, slots=True)
class Access:
    """How the platform speaks to the stand-in, and knows its events."""

    port: int
    key: str
    webhook_secret: str
    thin_webhook_secret: str
    clock_file: Path  # by how many seconds its clock is ahead

    @property
    def api_base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def public(self) -> str:
        """The address for browsers, which treat localhost as one place with the platform's *.localhost."""
        return f"http://localhost:{self.port}"

    def environment(self) -> dict[str, str]:
        """What the settings read."""
        return {
            "STRIPE_API_BASE": self.api_base,
            "STRIPE_CLOCK_FILE": str(self.clock_file),
            "STRIPE_PAY_ORIGIN": self.public,
            "STRIPE_SECRET_KEY": self.key,
            "STRIPE_WEBHOOK_SECRET": self.webhook_secret,
            "STRIPE_THIN_WEBHOOK_SECRET": self.thin_webhook_secret,
        }


class StandIn:
    """`python -m billing.sandbox`. Without `folder` it keeps nothing; without `platform` nobody is told of its events.

    The kernel ends it if this process dies without a word.
    """

    def __init__(self, access: Access, log: Path, *, folder: Path | None = None, platform: str = "") -> None:
        self._access, self._log = access, log
        self._words = [sys.executable, "-m", MODULE, "--port", str(access.port), "--public", access.public]
        self._words += ["--clock-file", str(access.clock_file)]
        if folder:
            self._words += ["--data", str(folder)]
        if platform:
            self._words += ["--webhook", platform + PATHS[0], "--thin-webhook", platform + PATHS[1]]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it. Returns at once. The secrets travel in its environment, which no other account can read."""
        with open(self._log, "wb" if _is_long(self._log) else "ab", opener=private) as out:
            self._process = subprocess.Popen(
                self._words,
                cwd=ROOT,
                env=os.environ | self._access.environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,  # a terminal's Ctrl-C is for us: it outlives the server that speaks to it
                preexec_fn=die_with_parent,
            )

    def wait(self) -> None:
        """Wait until it answers. Raises `NoStandIn`."""
        end = time.monotonic() + START_TIMEOUT
        while not _answers(self._access.port):
            if self._process is None or self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                words = self._log.read_text(errors="replace")[-500:]
                raise NoStandIn(f"The stand-in for Stripe does not start: {words}")
            time.sleep(POLL)

    def stop(self) -> None:
        """End it and wait for that; it writes down what it has not yet."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def access(options: Options) -> Access | None:
    """How to speak to the stand-in of a data folder; None if the caller's environment has a key of Stripe's own."""
    if os.environ.get("STRIPE_SECRET_KEY"):
        return None
    file = options.data_dir / "secrets.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    made = {"STRIPE_SECRET_KEY": "sk_test_", "STRIPE_WEBHOOK_SECRET": "whsec_", "STRIPE_THIN_WEBHOOK_SECRET": "whsec_"}
    if made.keys() - known.keys():
        known |= {name: known.get(name) or prefix + secrets.token_hex(24) for name, prefix in made.items()}
        write_private(file, json.dumps(known, indent=1) + "\n")
    key, secret, thin_secret = (str(known[name]) for name in made)
    return Access(_port(options), key, secret, thin_secret, options.data_dir / "stripe" / "clock")


@contextlib.contextmanager
def serve(options: Options) -> Iterator[StandIn | None]:
    """Run the stand-in of a data folder for as long as the block; `wait` for it before it is needed.

    None if there is a key of Stripe's own, or if another process of this folder runs it already: that one is used.
    """
    how = access(options)
    if how is None:
        yield None
        return
    folder = options.data_dir / "stripe"
    folder.mkdir(mode=0o700, exist_ok=True)
    with open(folder / "lock", "a+b", opener=private) as lock:
        if not try_lock(lock):
            yield None
            return
        with _running(options, how, folder, lock) as child:
            yield child


@contextlib.contextmanager
def _running(options: Options, how: Access, folder: Path, lock: IO[bytes]) -> Iterator[StandIn]:
    if why := _refusal(how.port):
        raise Refused(f"Cannot start the stand-in for Stripe: {why}. Delete {folder / 'port'} to let it take another port.")
    child = StandIn(how, options.data_dir / "stripe.log", folder=folder, platform=f"http://{options.base_host}")
    child.start()
    try:
        yield child
    finally:
        child.stop()
        fcntl.flock(lock, fcntl.LOCK_UN)


def _port(options: Options) -> int:
    """The same one each time, so that links into the stand-in outlive a restart."""
    file = options.data_dir / "stripe" / "port"
    with contextlib.suppress(OSError, ValueError):
        return int(file.read_text())
    file.parent.mkdir(mode=0o700, exist_ok=True)
    port = free_port()
    file.write_text(str(port))
    return port


def _refusal(port: int) -> str | None:
    """Why the port cannot be served on; one that a killed run leaves behind ends in a moment."""
    end = time.monotonic() + STOP_TIMEOUT
    while (why := refusal(port)) and time.monotonic() < end:
        time.sleep(POLL)
    return why


def _is_long(log: Path) -> bool:
    return log.exists() and log.stat().st_size > LOG_LIMIT


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    return False
