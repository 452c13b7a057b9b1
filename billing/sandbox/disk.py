"""Keeping a state in a file, so that a restart goes on where the last run ended.

What changed is written behind the answers, all of it in one transaction: an accident loses the last moment, never half of it.
"""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from billing.sandbox.state import State

FILE: Final = "stripe.sqlite3"
MAKE: Final = "CREATE TABLE IF NOT EXISTS objects (kind TEXT, id TEXT, body TEXT, PRIMARY KEY (kind, id))"
KEEP: Final = "INSERT INTO objects VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body"
DROP: Final = "DELETE FROM objects WHERE kind = ? AND id = ?"


class Disk:
    """The file in a data folder, which must exist."""

    def __init__(self, folder: Path) -> None:
        self._file = sqlite3.connect(folder / FILE, isolation_level=None)
        (folder / FILE).chmod(0o600)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.execute(MAKE)

    def read(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """All that was kept: (kind, object), in the order in which it was first written."""
        for kind, body in self._file.execute("SELECT kind, body FROM objects ORDER BY rowid"):
            yield kind, json.loads(body)

    def write(self, state: State) -> None:
        """Write what changed since the last time."""
        if not state.dirty:
            return
        changed, state.dirty = list(state.dirty), {}
        self._file.execute("BEGIN")
        for kind, id in changed:
            obj = state.table(kind).get(id)
            if obj is None:
                self._file.execute(DROP, (kind, id))
            else:
                self._file.execute(KEEP, (kind, id, json.dumps(obj, separators=(",", ":"))))
        self._file.execute("COMMIT")

    def close(self) -> None:
        self._file.close()
