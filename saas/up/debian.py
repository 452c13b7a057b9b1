"""Debian's packages, for the two programs that the tests want and no wheel brings everywhere: Chromium and Redis."""

import os
import shutil
import subprocess

ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive"}


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
