"""A PostgreSQL of the test run's own: made before Django reads its settings, gone after the last test.

Under xdist the controller makes it and the workers inherit its address. Tests use it as the web does: as `porch_app`.
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from saas.up.database import ROOT, prepare
from saas.up.postgres import EmbeddedPostgres

_running = ExitStack()


def begin() -> None:
    """Start the server, migrate one database, and put what the settings read into the environment."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    folder = Path(tempfile.mkdtemp(prefix="porchlight-tests-"))
    folder.chmod(0o755)  # as root, the server's account must enter it
    _running.callback(shutil.rmtree, folder, ignore_errors=True)
    server = EmbeddedPostgres(folder)
    if server.home != folder / "postgres":
        _running.callback(shutil.rmtree, server.home, ignore_errors=True)
    _running.callback(server.wait_stopped)
    superuser = _running.enter_context(server.use())
    urls = prepare(superuser, name="tests", secrets_file=folder / "secrets.json")
    os.environ.update(
        _environment(folder) | urls.environment() | {"TEST_SUPERUSER_URL": superuser.removesuffix("postgres") + "tests"}
    )
    Path(os.environ["DATA_DIR"], "static").mkdir(parents=True)
    migrate()


def end() -> None:
    """Stop the server and delete its files."""
    _running.close()


def migrate() -> subprocess.CompletedProcess[str]:
    """`manage.py migrate_tenants` on the test database; its output."""
    return manage("migrate_tenants", DATABASE_AS_OWNER="1")


def manage(*words: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command of manage.py in a process of its own."""
    command = [sys.executable, str(ROOT / "manage.py"), *words]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{words} failed:\n{done.stdout}{done.stderr}")
    return done


def _environment(folder: Path) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "saas.settings",
        "SECRET_KEY": secrets.token_urlsafe(40),
        "DATA_DIR": str(folder / "data"),
        "PORCHLIGHT_SCHEME": "http",
        "PORCHLIGHT_BASE_HOST": "localhost:8000",
        "PORCHLIGHT_DEMO": "1",
        "REDIS_URL": "",
    }
