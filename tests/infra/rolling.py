"""`make rolling-restart`: restart two processes under 2,000 sockets, and keep the figures in rolling_restart.json.

`python -m tests.infra.rolling 500` takes another crowd. Runs without pytest, on a PostgreSQL and a Redis of its own.
"""

import asyncio
import json
import os
import secrets
import sys
import tempfile
from pathlib import Path

FOLDER = tempfile.TemporaryDirectory(prefix="porchlight-rolling-run-")
Path(FOLDER.name).chmod(0o755)
Path(FOLDER.name, "data", "static").mkdir(parents=True)
os.environ.update(  # what the settings read, here and in the servers
    DJANGO_SETTINGS_MODULE="saas.settings",
    SECRET_KEY=secrets.token_urlsafe(40),
    DATA_DIR=str(Path(FOLDER.name, "data")),
    PORCHLIGHT_DEVELOPMENT="1",
    PORCHLIGHT_SCHEME="http",
    PORCHLIGHT_BASE_HOST="localhost:8000",
    DATABASE_URL="postgresql://none@localhost/none",  # this process never asks a database through the product
    DATABASE_OWNER_URL="postgresql://none@localhost/none",
    REDIS_URL="",
)

import django  # noqa: E402

django.setup()

from tests.chaos.ground import ground  # noqa: E402
from tests.infra.rolling_restart import restart_all  # noqa: E402

RESULTS = Path(__file__).with_name("rolling_restart.json")
SOCKETS = 2_000


def main(words: list[str]) -> int:
    with ground() as base:
        found = asyncio.run(restart_all(base, int(words[0]) if words else SOCKETS))
    said = json.dumps(found.row(), indent=1)
    print(said, *found.problems(), sep="\n")  # noqa: T201 - for who runs it
    if not found.problems():
        RESULTS.write_text(said + "\n")
    return bool(found.problems())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
