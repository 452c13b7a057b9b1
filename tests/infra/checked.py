"""What is safe for production: a database of these tests alone, settings, and the environment of a process."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg

from saas import env
from saas.up.database import Urls
from saas.up.postgres import EmbeddedPostgres
from tests.support.patience import PATIENCE

T = TypeVar("T")
SECRET = "q7Rv2LxZ-0fWc9TnKs_4HbYdMje8UgPa1Xo6EiVtNzJ5CwQlGhFyDr3k"
SAFE = {
    "PORCHLIGHT_DEVELOPMENT": "0",
    "PORCHLIGHT_DEMO": "0",
    "PORCHLIGHT_SCHEME": "https",
    "TRUST_PROXY": "1",
    "SECRET_KEY": SECRET,
    "WORKER_IN_PROCESS": "1",
}


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL of these tests alone, whose settings they may change."""

    server: EmbeddedPostgres
    superuser: str
    urls: Urls

    def execute(self, *statements: str) -> None:
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


def eventually(found: Callable[[], T], words: str) -> T:
    """What comes, once it is true."""
    end = time.monotonic() + PATIENCE
    while not (value := found()):
        assert time.monotonic() < end, f"{words} does not come"
    return value


def parsed(url: str) -> dict[str, Any]:
    """An address as Django's settings of a database."""
    os.environ["CHECKED_URL"] = url
    return dict(env.database("CHECKED_URL"))
