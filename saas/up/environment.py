"""The variables that a server or a command of this checkout runs with, and the database behind them."""

import contextlib
import json
import os
import secrets
import sys
from collections.abc import Iterator

from saas.up.database import Urls, prepare
from saas.up.options import Options, Refused
from saas.up.postgres import EmbeddedPostgres, write_private
from saas.up.stripe import access

DATABASE = "porchlight"
URLS = ("DATABASE_URL", "DATABASE_OWNER_URL")
STOP_WAIT = 3.0  # seconds to wait for PostgreSQL at the end; longer only if somebody else still uses it


@contextlib.contextmanager
def environment(options: Options) -> Iterator[dict[str, str]]:
    """Everything that `saas/settings.py` reads, with a database that runs for as long as the block.

    DATABASE_URL and DATABASE_OWNER_URL of the caller are taken as they are; without them an embedded PostgreSQL is used. So is
    STRIPE_SECRET_KEY; without it the variables lead to the stand-in for Stripe, which `stripe.serve` runs.
    """
    stripe = access(options)
    with _database(options) as urls:
        yield {
            "PORCHLIGHT_DEVELOPMENT": "1",
            "PORCHLIGHT_DEMO": "1",
            "PORCHLIGHT_SCHEME": "http",
            **os.environ,
            **(stripe.environment() if stripe else {}),
            **urls.environment(),
            "SECRET_KEY": os.environ.get("SECRET_KEY") or _secret_key(options),
            "DATA_DIR": str(options.data_dir),
            "PORCHLIGHT_BASE_HOST": options.base_host,
            "DJANGO_SETTINGS_MODULE": "saas.settings",
        }


@contextlib.contextmanager
def _database(options: Options) -> Iterator[Urls]:
    given = [os.environ.get(name, "") for name in URLS]
    if all(given):
        yield Urls(app=given[0], owner=given[1])
        return
    if any(given):
        raise Refused(f"{' and '.join(URLS)} belong together: set both, or neither for the embedded PostgreSQL.")
    print("Starting the database ...", file=sys.stderr, flush=True)
    postgres = EmbeddedPostgres(options.data_dir)
    try:
        with postgres.use() as superuser:
            yield prepare(superuser, name=DATABASE, secrets_file=options.data_dir / "secrets.json")
    finally:
        postgres.wait_stopped(STOP_WAIT)


def _secret_key(options: Options) -> str:
    """The key that signs sessions and tokens: made once, kept beside the passwords."""
    file = options.data_dir / "secrets.json"
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    if "SECRET_KEY" not in known:
        known["SECRET_KEY"] = secrets.token_urlsafe(50)
        write_private(file, json.dumps(known, indent=1) + "\n")
    return known["SECRET_KEY"]
