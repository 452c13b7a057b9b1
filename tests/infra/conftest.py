"""A PostgreSQL whose settings tests may change, and settings that nothing speaks against."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from saas.up.database import prepare
from saas.up.postgres import EmbeddedPostgres
from tests.infra.checked import SECRET, Cluster, parsed


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="porchlight-checks-") as made:
        Path(made).chmod(0o755)
        server = EmbeddedPostgres(made)
        with server.use() as superuser:
            yield Cluster(server, superuser, prepare(superuser, name="porchlight", secrets_file=Path(made, "secrets.json")))
        server.wait_stopped()


@pytest.fixture
def safe(settings: Settings, cluster: Cluster) -> Settings:
    """Settings that nothing speaks against."""
    settings.DEVELOPMENT = settings.DEBUG = settings.DEMO = settings.AS_OWNER = False
    settings.SECRET_KEY, settings.STRIPE_SECRET_KEY, settings.STRIPE_LIVE = SECRET, "", False
    settings.STRIPE_API_BASE = settings.STRIPE_PAY_ORIGIN = settings.STRIPE_CLOCK_FILE = ""
    settings.SCHEME, settings.SECURE, settings.TRUST_PROXY = "https", True, 1
    settings.SERVES, settings.PROCESSES, settings.WORKER_IN_PROCESS, settings.REDIS_HOSTS = "all", 1, True, []
    settings.DATABASES = {"default": parsed(cluster.urls.app), "owner": parsed(cluster.urls.owner)}
    return settings
