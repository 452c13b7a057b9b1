"""`python -m billing.sandbox --port 12111 --data FOLDER` serves the stand-in for Stripe on the loopback.

Secrets come from the environment, as the platform's do: STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET, STRIPE_THIN_WEBHOOK_SECRET.
"""

import argparse
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from billing.sandbox.app import App
from billing.sandbox.http import Protocol
from billing.sandbox.settings import Endpoint, Settings


def main(words: list[str] | None = None) -> None:
    """Serve until a signal."""
    given = _parser().parse_args(words)
    logging.basicConfig(level=logging.WARNING)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)  # uvicorn repeats the signal at the end: to stop as told is no failure
    uvicorn.Server(_config(App(_settings(given), given.data), given.port)).run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m billing.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=12111, help="on 127.0.0.1")
    parser.add_argument("--data", type=Path, help="a folder that keeps the state; without it nothing is kept")
    parser.add_argument("--public", default="", help="the address for browsers; http://127.0.0.1:PORT unless given")
    parser.add_argument("--webhook", default="", help="where snapshot events are posted to")
    parser.add_argument("--thin-webhook", default="", help="where thin events are posted to")
    parser.add_argument("--webhook-secret", default=os.environ.get("STRIPE_WEBHOOK_SECRET"), help="signs snapshot events")
    parser.add_argument("--thin-webhook-secret", default=os.environ.get("STRIPE_THIN_WEBHOOK_SECRET"), help="signs thin events")
    parser.add_argument("--clock-file", type=Path, help="a file that is told by how many seconds the clock is ahead")
    return parser


def _settings(given: argparse.Namespace) -> Settings:
    usual = Settings()
    return Settings(
        public=(given.public or f"http://127.0.0.1:{given.port}").rstrip("/"),
        key=os.environ.get("STRIPE_SECRET_KEY") or usual.key,
        snapshot=Endpoint(given.webhook, given.webhook_secret or usual.snapshot.secret),
        thin=Endpoint(given.thin_webhook, given.thin_webhook_secret or usual.thin.secret),
        clock_file=given.clock_file,
    )


def _config(app: App, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        http=Protocol,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=600,  # as long as any test thinks between two requests
        timeout_graceful_shutdown=3,
    )


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit()


if __name__ == "__main__":
    main()
