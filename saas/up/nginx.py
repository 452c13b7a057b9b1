"""Debian's nginx for the tests: the one on the PATH, or else its package, unpacked and not installed, so that nothing starts.

`python -m saas.up.nginx` says which program it is, and fetches it where there is none.
"""

import shutil
from pathlib import Path

from saas.up import debian

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".data/debian/nginx"
PACKAGES = ("nginx", "nginx-common")
HOW_TO = "install nginx (Debian: apt-get install nginx)"


def find_program() -> Path | None:
    """The program, or None."""
    unpacked = FOLDER / "usr/sbin/nginx"
    if found := shutil.which("nginx", path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"):
        return Path(found)
    return unpacked if unpacked.exists() else None


def configuration() -> Path:
    """The folder with nginx's own files, as `mime.types`."""
    return next(path for path in (FOLDER / "etc/nginx", Path("/etc/nginx")) if (path / "mime.types").exists())


if __name__ == "__main__":
    failure = None if find_program() else debian.unpack(PACKAGES, FOLDER)
    found = find_program()
    print(f"Tests with nginx run on {found}." if found else f"TESTS WITH NGINX CANNOT RUN: {failure}; {HOW_TO}.")
