"""Debian's programs for the tests: the one on the PATH, or else its package, unpacked and not installed, so that nothing starts.

`python -m saas.up.unpacked` says which they are, and fetches those that are missing.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from saas.up import debian

FOLDER = Path(__file__).resolve().parents[2] / ".data/debian"
SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Program:
    """A program and the packages that it comes in."""

    name: str
    packages: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where its packages are unpacked."""
        return FOLDER / self.name

    def find(self) -> Path | None:
        """Where it is, or None."""
        if found := shutil.which(self.name, path=SYSTEM):
            return Path(found)
        return next(self.folder.glob(f"usr/sbin/{self.name}"), None)

    def fetch(self) -> str:
        """Fetch it where it is missing; a sentence on what tests can use."""
        failure = None if self.find() else debian.unpack(self.packages, self.folder)
        if found := self.find():
            return f"Tests with {self.name} run on {found}."
        return f"TESTS WITH {self.name.upper()} ARE SKIPPED: {failure}; install it (Debian: apt-get install {self.name})."


NGINX = Program("nginx", ("nginx", "nginx-common"))
PGBOUNCER = Program("pgbouncer", ("pgbouncer", "libc-ares2", "libevent-2.1-7"))

if __name__ == "__main__":
    for program in (NGINX, PGBOUNCER):
        print(program.fetch())
