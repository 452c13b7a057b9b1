"""What every test has: a migrated PostgreSQL, used as the web uses it. Fixtures by subject are in `tests/support/`."""

import os
from collections.abc import Iterator

import django
import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from tests.support import cluster

cluster.begin()  # before anything reads the settings
django.setup()
os.environ.pop("DJANGO_SETTINGS_MODULE", None)  # else pytest-django reads a worker's settings before `begin` there

pytest_plugins = ["tests.support.cast", "tests.support.owing", "tests.support.shop", "tests.support.stripe", "tests.support.web"]


@pytest.hookimpl(optionalhook=True)  # also where xdist is left out
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, since many tests wait for something; four at most, since each has servers of its own."""
    return min(4, 1 + (os.cpu_count() or 1))


def pytest_unconfigure(config: pytest.Config) -> None:
    cluster.end()


@pytest.fixture(scope="session", autouse=True)
def database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Database access for the whole run. Nothing is rolled back: a test makes its own objects."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(autouse=True)
def _own_connections(database: None) -> Iterator[None]:
    """No test inherits a connection, and none leaves one inside a tenant."""
    yield
    left_in = [connection.schema_name for connection in connections.all(initialized_only=True)]  # type: ignore[attr-defined]
    connections.close_all()
    assert set(left_in) <= {"public"}
