"""What stands between a database and a server: migrations and static files. Each is done again only after a change."""

import hashlib
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

from saas.up.options import Options, Refused

ROOT = Path(__file__).resolve().parents[2]
APPS = ("tenants", "billing", "chat", "widget", "saas/core")
LOOK = """
select (select system_identifier from pg_control_system()) || ' ' || oid, to_regclass('public.django_migrations') is null
from pg_database where datname = current_database()
"""


def prepare(options: Options, env: dict[str, str]) -> None:
    """Both at the same time: the first start is what a newcomer waits for."""
    with ThreadPoolExecutor(1) as other:
        collected = other.submit(collect_static, options, env)
        migrate(options, env)
        collected.result()


def migrate(options: Options, env: dict[str, str]) -> None:
    """Bring every schema up to date, unless this database has had these very migrations."""
    files = [*_migrations(), *(ROOT / "tenants/postgresql").glob("*.sql"), ROOT / "requirements/app.txt"]
    identity, is_empty = _look_at(env["DATABASE_OWNER_URL"])
    stamp = options.data_dir / "migrated"
    if is_empty:  # the folder's stamp is of a database that is gone
        stamp.unlink(missing_ok=True)
    as_owner = {"DATABASE_AS_OWNER": "1", "PGOPTIONS": "-c synchronous_commit=off"}  # hundreds of commits, one wait for the disk
    _once(stamp, f"{_hash(files)} {identity}", "Migrating", ["migrate_tenants"], env | as_owner)


def collect_static(options: Options, env: dict[str, str]) -> None:
    """Gather, hash and compress the static files, unless they are as they were."""
    files = [*(ROOT / "static").rglob("*"), ROOT / "requirements/app.txt"]
    command = ["collectstatic", "--noinput", "--clear", "--verbosity", "0"]
    _once(options.data_dir / "collected", _hash(files), "Collecting static files", command, env)


def _once(stamp: Path, mark: str, what: str, command: list[str], env: dict[str, str]) -> None:
    if stamp.exists() and stamp.read_text() == mark:
        return
    print(f"{what} ...", flush=True)
    stamp.unlink(missing_ok=True)
    words = [sys.executable, str(ROOT / "manage.py"), *command]
    result = subprocess.run(words, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode:
        said = (result.stderr or result.stdout).strip().splitlines()[-12:]
        raise Refused("\n".join([*said, f"{what} failed; its last words are above."]))
    stamp.write_text(mark)


def _migrations() -> Iterable[Path]:
    for app in APPS:
        yield from (ROOT / app / "migrations").glob("*.py")


def _look_at(url: str) -> tuple[str, bool]:
    """Which database this is, so that another one in its place is noticed, and whether it was never migrated."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            row = connection.execute(LOOK).fetchone()
    except psycopg.OperationalError as error:
        raise Refused(f"The database of DATABASE_OWNER_URL does not answer: {str(error).strip().splitlines()[-1]}") from None
    assert row is not None
    return str(row[0]), bool(row[1])


def _hash(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in sorted(files):
        if path.is_file():
            total.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
