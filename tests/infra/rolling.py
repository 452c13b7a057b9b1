"""`make rolling-restart`: restart two processes under 2,000 sockets, and keep the figures in rolling_restart.json.

`python -m tests.infra.rolling 500` takes another crowd. Runs without pytest, on a PostgreSQL and a Redis of its own.
"""

import asyncio
import json
import sys
from pathlib import Path

from tests.support.apart import begin

FOLDER = begin("rolling")

from tests.chaos.ground import ground
from tests.infra.rolling_restart import restart_all

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
