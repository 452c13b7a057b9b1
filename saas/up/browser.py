"""The browser of the tests: Chromium as the system has it. `python -m saas.up.browser` says which, and as root installs it."""

import shutil
from dataclasses import dataclass

from saas.up import debian

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PACKAGE = "chromium"


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
    if browser.path:
        return browser
    failure = debian.install(PACKAGE)
    return Browser(None, f"no Chromium here; {failure}") if failure else find()


if __name__ == "__main__":
    browser = find_or_install()
    print(f"Browser tests run in {browser.path}." if browser.path else f"BROWSER TESTS ARE SKIPPED: {browser.reason}.")
