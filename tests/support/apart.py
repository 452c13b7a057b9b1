"""A program of the tests that runs outside of pytest: Django is set up before anything of ours is imported."""

import os
import secrets
import tempfile
from pathlib import Path

import django


def begin(name: str) -> "tempfile.TemporaryDirectory[str]":
    """Settings for this process and the servers that it starts, and a folder for their data, which goes with the program."""
    folder = tempfile.TemporaryDirectory(prefix=f"porchlight-{name}-run-")
    Path(folder.name).chmod(0o755)  # as root, PostgreSQL's account must enter it
    Path(folder.name, "data", "static").mkdir(parents=True)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="saas.settings",
        SECRET_KEY=secrets.token_urlsafe(40),
        DATA_DIR=str(Path(folder.name, "data")),
        PORCHLIGHT_DEVELOPMENT="1",
        PORCHLIGHT_SCHEME="http",
        PORCHLIGHT_BASE_HOST="localhost:8000",
        DATABASE_URL="postgresql://none@localhost/none",  # this process never asks a database through the product
        DATABASE_OWNER_URL="postgresql://none@localhost/none",
        REDIS_URL="",
    )
    django.setup()
    return folder
