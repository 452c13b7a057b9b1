"""The browser of the tests: Chromium as the system has it. `python -m saas.up.browser` says which, and as root installs it."""

import os
import shutil
import subprocess
from dataclasses import dataclass

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PACKAGE = "chromium"  # Debian's name for it
INSTALL = (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", PACKAGE])


@dataclass(frozen=True, slots=True)
class Browser:
    """Where Chromium is; without one, `path` is None and `reason` says why and what to do."""

    path: str | None
    reason: str = ""


def find() -> Browser:
    """The Chromium on the PATH."""
    for name in NAMES:
        if path := shutil.which(name):
            return Browser(path)
    return Browser(None, f"no Chromium here; install it (Debian: apt-get install {PACKAGE})")


def find_or_install() -> Browser:
    """The Chromium on the PATH; where there is none, root fetches Debian's."""
    browser = find()
    if browser.path or os.geteuid() != 0 or not shutil.which("apt-get"):
        return browser
    print("Installing Chromium for the browser tests ...", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in INSTALL:
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if result.returncode:
            return Browser(None, f"{' '.join(command)} failed: {result.stderr.strip()[-300:]}")
    return find()


if __name__ == "__main__":
    browser = find_or_install()
    print(f"Browser tests run in {browser.path}." if browser.path else f"Browser tests are skipped: {browser.reason}.")
