"""Debian's packages, for the programs that tests and benchmarks want and no wheel brings everywhere: Chromium, Redis, nginx."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive"}
FETCH_SECONDS = 120


def install(package: str) -> str | None:
    """Install a package, as root on a system that has apt-get; why it could not, as a clause, or None if it did."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return f"install it (Debian: apt-get install {package})"
    print(f"Installing {package} ...", flush=True)
    for words in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]):
        result = subprocess.run(words, env=os.environ | ENVIRONMENT, capture_output=True, text=True, check=False)
        if result.returncode:
            return f"{' '.join(words)} failed: {result.stderr.strip()[-300:]}"
    return None


def unpack(packages: Sequence[str], folder: Path) -> str | None:
    """Fetch packages and unpack them into a folder; nothing is installed, and nothing starts. Why it could not, or None."""
    folder.mkdir(parents=True, exist_ok=True)
    failure = _fetch(packages, folder)
    if failure:  # the lists may be missing or old
        failure = _run(["apt-get", "update", "-qq"], folder) or _fetch(packages, folder)
    return failure


def _fetch(packages: Sequence[str], folder: Path) -> str | None:
    if failure := _run(["apt-get", "download", "-qq", *packages], folder):
        return failure
    fetched = sorted(folder.glob("*.deb"))
    failure = next(filter(None, (_run(["dpkg-deb", "-x", str(each), str(folder)], folder) for each in fetched)), None)
    for each in fetched:
        each.unlink()
    return failure


def _run(words: Sequence[str], folder: Path) -> str | None:
    """Why the program failed, or None."""
    try:
        subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True, timeout=FETCH_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        return f"{getattr(error, 'stderr', '') or error}".strip()[-300:]
    return None
