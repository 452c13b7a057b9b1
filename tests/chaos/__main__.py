"""`python -m tests.chaos`, as `make chaos` runs it: every scenario, then every mutant of the product; writes results.json.

`CHAOS_SCENARIO` and `CHAOS_MUTANT` name one or several, with commas; `CHAOS_SEED` plays a run again; `CHAOS_SECONDS` are those
of faults in each scenario.
"""

import logging
import os
import secrets
import signal
import sys
import tempfile
from pathlib import Path

FOLDER = tempfile.TemporaryDirectory(prefix="porchlight-chaos-run-")
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
logging.getLogger("httpx").setLevel(logging.WARNING)

from tests.chaos.suite import main  # noqa: E402

signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(143))  # what was made is put away
sys.exit(main())
