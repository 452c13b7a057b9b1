"""The production server of one process: `python -m saas.serve --host 127.0.0.1 --port 8000`.

uvicorn with the fast socket. On SIGTERM or SIGINT it stops accepting, says `bye` to every socket, closes them in batches with
1012, flushes what waits, then ends; a second signal ends it at once. `saas/gunicorn.py` keeps several of them.
"""

import argparse
import os
import signal
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")

import uvicorn

from saas.asgi import application, drain
from saas.core.server import BACKLOG, OPTIONS, Server, tune


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_signal: sys.exit())  # uvicorn repeats the signal at the end: to stop as told is no failure
    tune()
    config = uvicorn.Config(application, host=given.host, port=given.port, backlog=BACKLOG, log_level="warning", **OPTIONS)
    Server(config, drain).run()


if __name__ == "__main__":
    main()
