"""`python -m saas.up` runs Porchlight with demo data; `python -m saas.up run <words>` runs Python with those words on that data.

For example `run manage.py shell`, `run -m saas.worker`.
"""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

from saas.up import links, options, preparation, stripe
from saas.up.environment import environment
from saas.up.options import Options, Refused
from saas.up.postgres import private, try_lock
from saas.up.processes import command_of, die_with_parent
from saas.up.server import Server, end_leftover

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(SystemExit):
    """A signal asked for the end."""


def up() -> int:
    """Run everything until a signal or the server's own end; the exit status."""
    chosen = options.read()
    with _only_one(chosen):
        end_leftover(chosen)
        chosen.check_port()
        with environment(chosen) as env, stripe.serve(chosen) as stand_in:
            preparation.prepare(chosen, env)
            if stand_in:
                stand_in.wait()
            return _serve(chosen, env)


def _serve(chosen: Options, env: dict[str, str]) -> int:
    print("Starting the server ...", flush=True)
    server = Server(chosen, env)
    try:
        server.start()
        known = links.facts(chosen, _seed(env), stand_in=env.get("STRIPE_PAY_ORIGIN"))
        if not server.is_ready():
            raise Refused(
                f"{server.last_words()}\nThe server did not start; its last words are above, all of them in {server.log}"
            )
        links.write(chosen, known)
        print(links.page(chosen, known), flush=True)
        status = server.follow()
        print(f"{server.last_words()}\nThe server ended by itself, with status {status}; see {server.log}", file=sys.stderr)
        return status or 1
    except Stopped:
        print("\nStopping ...", flush=True)
        return 0
    finally:
        links.remove(chosen)
        server.stop()


def _seed(env: dict[str, str]) -> list[dict[str, Any]]:
    """The demo's tenants, while the server starts."""
    words = [sys.executable, "-m", "saas.up.demo"]
    result = subprocess.run(words, env=env, cwd=preparation.ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        raise Refused(f"{result.stderr.strip()}\nThe demo's data could not be made; the reason is above.")
    tenants: list[dict[str, Any]] = json.loads(result.stdout)
    return tenants


def run(words: list[str]) -> int:
    """Run Python on the data of `make up`, whether or not that runs; its exit status."""
    chosen = options.read()
    with environment(chosen) as env, stripe.serve(chosen) as stand_in:
        if stand_in:
            stand_in.wait()
        process = subprocess.Popen([sys.executable, *words], cwd=preparation.ROOT, env=env)
        signal.signal(signal.SIGINT, lambda *_: None)  # a terminal's Ctrl-C reaches the command too, which knows what it means
        try:
            status = process.wait()
        except Stopped:
            process.terminate()
            status = process.wait()
        return status if status >= 0 else 128 - status


@contextlib.contextmanager
def _only_one(chosen: Options) -> Iterator[None]:
    """One run per data folder. The kernel drops the lock however this process ends."""
    with open(chosen.data_dir / "up.lock", "a+b", opener=private) as lock:
        if not try_lock(lock):
            lock.seek(0)
            raise Refused(f"Porchlight already runs on {chosen.data_dir}, as process {lock.read().decode()}; stop that first.")
        lock.truncate(0)
        lock.write(str(os.getpid()).encode())
        lock.flush()
        yield
        fcntl.flock(lock, fcntl.LOCK_UN)


def _stop(_number: int, _frame: object) -> NoReturn:
    raise Stopped(0)


def main(words: list[str]) -> int:
    for number in SIGNALS:
        signal.signal(number, _stop)
    if "make" in command_of(os.getppid()).partition(" ")[0]:
        die_with_parent()  # whoever kills make means us
    if words[:1] == ["run"]:
        return run(words[1:])
    return up()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
