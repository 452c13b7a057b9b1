"""The tools of this folder in a virtual environment of their own: `python -m tests.infra.environment`.

An AWS that answers on this machine, its client, and a scanner want other versions than the server, and no one else needs them.
What is installed is requirements/infra.txt, each package checked against its hash.
"""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

from tests.infra.terraform import NOT_HERE, PROGRAM

ROOT: Final = Path(__file__).resolve().parents[2]
LOCKED: Final = ROOT / "requirements/infra.txt"
HOME: Final = ROOT / ".venv/infra"
PYTHON: Final = HOME / "bin/python"
STAMP: Final = HOME / "installed"


def is_ready() -> bool:
    """Whether what is locked is installed."""
    return STAMP.is_file() and STAMP.read_text() == _hash()


def make() -> None:
    """Make the environment, or make it anew when the locked versions changed. The first time takes about a minute."""
    if is_ready():
        return
    sys.stderr.write("Installing the tools of infra/ ...\n")
    venv.create(HOME, with_pip=True, clear=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--no-compile", "--no-input", "--disable-pip-version-check", "--require-hashes"]
    done = subprocess.run([*pip, "-r", str(LOCKED)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise SystemExit("\n".join([*done.stdout.splitlines()[-20:], "The tools of infra/ could not be installed; see above."]))
    STAMP.write_text(_hash())


def _hash() -> str:
    return hashlib.sha256(LOCKED.read_bytes()).hexdigest()


if __name__ == "__main__":
    if PROGRAM:
        make()
    else:
        sys.stderr.write(f"{NOT_HERE}\n")
