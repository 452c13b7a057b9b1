"""PgBouncer between a test and its database."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from saas.up.processes import die_with_parent
from saas.up.unpacked import PGBOUNCER
from tests.support.patience import PATIENCE
from tests.support.server import lasting_port

CONFIGURATION = """\
[databases]
{name} = host={host} port={port} user={user} password={password} dbname={name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 10
"""


@contextmanager
def pgbouncer(url: str, *, mode: str, drop: dict[str, Any]) -> Iterator[str]:
    """The address of the same database behind a PgBouncer in this mode. `drop`: the account that runs it, since root may not."""
    program, target, port = PGBOUNCER.find(), urlsplit(url), lasting_port()
    assert program is not None
    with tempfile.TemporaryDirectory(prefix="porchlight-pgbouncer-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        shutil.copy(program, folder)
        for library in PGBOUNCER.folder.rglob("*.so.*"):
            shutil.copy(library, folder)
        facts = {"name": target.path[1:], "host": target.hostname, "port": target.port, "user": target.username}
        (folder / "ini").write_text(CONFIGURATION.format(**facts, password=target.password, listen=port, mode=mode))
        with open(folder / "log", "wb") as log:
            words, paths = [str(folder / program.name), str(folder / "ini")], os.environ | {"LD_LIBRARY_PATH": made}
            process = subprocess.Popen(words, env=paths, stdout=log, stderr=log, preexec_fn=die_with_parent, **drop)
        try:
            _await(process, port, folder / "log")
            yield f"postgresql://{target.username}:{target.password}@127.0.0.1:{port}{target.path}"
        finally:
            process.kill()
            process.wait()


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"PgBouncer does not start: {log.read_text()}")
        time.sleep(0.02)
