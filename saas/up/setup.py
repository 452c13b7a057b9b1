"""From a bare clone to everything that `make` needs: the virtual environment, its packages, the built client.

`python3 saas/up/setup.py [--dev]`: with `--dev` the tools of `make test` and `make check` too. Run by the system's Python with
nothing installed, so it keeps to the standard library and to syntax that an old Python can read far enough to say that it is
old. What was done is stamped with the hash of what it was done from: the next run does nothing, in a blink and offline.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

OLDEST = (3, 11)
NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")
if sys.version_info < OLDEST:
    for newer in filter(None, map(shutil.which, NEWER)):
        if subprocess.call([newer, "-c", ""], stderr=subprocess.DEVNULL) == 0:  # a version manager's stub may lead nowhere
            os.execv(newer, [newer, *sys.argv])
    sys.exit(
        "Porchlight needs Python 3.11 or newer, and this is {}.{}. ".format(*sys.version_info)
        + "Install a newer one, or name one that is not on the PATH: make up PYTHON=/path/to/python3"
    )

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin/python"
STAMPS = VENV / "porchlight.json"
CLIENT = ROOT / "widget/client"
BUILT = ROOT / "static/built"


def main(*, dev: bool) -> None:
    """Bring the checkout to the asked state; exits with one line that says what to do when it cannot."""
    with _alone():
        environment()
        packages(dev=dev)
        client()


def environment() -> None:
    """Make the virtual environment, or make it anew if its Python does not run (any more)."""
    if _runs():
        return
    _check_can_make()
    shutil.rmtree(VENV, ignore_errors=True)
    _step("Making the virtual environment", [sys.executable, "-m", "venv", str(VENV)])


def packages(*, dev: bool) -> None:
    """Install the locked packages, each checked against its hash, through pip as this machine configures it."""
    name = "dev" if dev else "up"
    locked = {each: _hash(ROOT / f"requirements/{each}.txt") for each in ("up", "dev")}
    stamps = _read_stamps()
    if stamps.get(name) == locked[name]:
        return
    command = [str(PYTHON), "-m", "pip", "install", "--no-compile", "--no-input", "--disable-pip-version-check"]
    if stamps.get("unfinished"):  # the last run was killed, and may have left half a package
        command.append("--force-reinstall")
    _stamp(unfinished="yes")
    _step("Installing packages", [*command, "--require-hashes", "-r", str(ROOT / f"requirements/{name}.txt")])
    # The list with the tools holds the server's packages too, in the same versions.
    _stamp(unfinished="", up=locked["up"], dev=locked["dev"] if dev else "")


def client() -> None:
    """Install the client's packages and bundle it into static/built/, with the Node that came as a package."""
    modules, sources = _hash(CLIENT / "package-lock.json"), _hash_tree(CLIENT)
    stamps = _read_stamps()
    if stamps.get("client") == sources and any(BUILT.glob("*")):
        return
    if stamps.get("modules") != modules or not (CLIENT / "node_modules").is_dir():
        _step("Installing the client's packages", _node("npm", "ci", "--ignore-scripts"))
        _stamp(modules=modules)
    _step("Building the client", _node("build.mjs"))
    _stamp(client=sources)


def _node(*words: str) -> list[str]:
    return [str(PYTHON), "-m", "saas.up.node", *words]


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Two runs at once take turns. The lock is on the folder itself and leaves nothing behind."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _check_can_make() -> None:
    if not os.access(ROOT, os.W_OK):
        sys.exit(f"Cannot write to {ROOT}, where the virtual environment goes. Clone Porchlight into a folder of your own.")
    if VENV.exists() and not os.access(VENV, os.W_OK):
        sys.exit(f"{VENV} does not run here and belongs to somebody else. Clone Porchlight into a folder of your own.")
    if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):  # Debian packs them apart from Python
        version = ".".join(map(str, sys.version_info[:2]))
        sys.exit(f"This Python lacks its venv module. On Debian and Ubuntu: apt-get install python{version}-venv")


def _runs() -> bool:
    probe = f"import sys, importlib.util as i; sys.exit(sys.version_info < {OLDEST} or not i.find_spec('pip'))"
    try:
        return subprocess.run([str(PYTHON), "-c", probe], stderr=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False


def _step(what: str, command: list[str]) -> None:
    """Run a command with its output in a log; on failure show the log's end and exit."""
    print(f"{what} ...", end=" ", flush=True)
    begun = time.monotonic()
    with tempfile.TemporaryFile("w+") as log:
        result = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False)
        log.seek(0)
        lines = log.read().splitlines()
    if result.returncode:
        print("failed")
        sys.exit("\n".join([*lines[-20:], f"{what} failed: {' '.join(command[1:5])}; its last words are above."]))
    print(f"{time.monotonic() - begun:.0f} s", flush=True)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _hash_tree(folder: Path) -> str:
    """One hash of all files and their names, what npm puts there left out."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if relative.parts[0] not in {"node_modules", "test"} and path.is_file():
            total.update(f"{relative}\0{_hash(path)}\n".encode())
    return total.hexdigest()


def _read_stamps() -> dict[str, str]:
    try:
        return dict(json.loads(STAMPS.read_text()))
    except (OSError, ValueError):
        return {}


def _stamp(**facts: str) -> None:
    STAMPS.write_text(json.dumps({**_read_stamps(), **facts}, indent=1))


if __name__ == "__main__":
    main(dev="--dev" in sys.argv[1:])
