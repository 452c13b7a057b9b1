"""A wall clock that can be put wrong: that of a server process, from outside and at any moment.

The server's wrapper imports this before anything of the product. From then on `time.time`, `time.time_ns` and
`datetime.now` of that process are so many seconds ahead as the file says that the harness writes. The monotonic clock goes on.
"""

import ctypes
import datetime
import gc
import mmap
import os
import struct
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "CHAOS_CLOCK"
NUMBER: Final = struct.Struct("d")


def _new_file() -> Path:
    handle, name = tempfile.mkstemp(prefix="porchlight-clock-")
    os.write(handle, NUMBER.pack(0.0))
    os.close(handle)
    return Path(name)


@dataclass
class Clock:
    """The harness's end: how many seconds the clock of one server is ahead of the true one."""

    file: Path = field(default_factory=_new_file)
    ahead: float = 0.0

    @property
    def variables(self) -> dict[str, str]:
        """Of the server's environment."""
        return {VARIABLE: str(self.file)}

    def step(self, ahead: float) -> None:
        """From now on it is so many seconds ahead, or behind."""
        self.ahead = ahead
        with open(self.file, "r+b") as file:
            file.write(NUMBER.pack(ahead))

    def close(self) -> None:
        """Drop the file."""
        self.file.unlink(missing_ok=True)


def obey() -> None:
    """Take this process's time from the file that the environment names, if it names one."""
    if not (name := os.environ.get(VARIABLE)):
        return
    with open(name, "rb") as file:
        shared = mmap.mmap(file.fileno(), NUMBER.size, prot=mmap.PROT_READ)
    true, true_ns = time.time, time.time_ns

    def ahead() -> float:
        found: float = NUMBER.unpack_from(shared)[0]
        return found

    time.time = lambda: true() + ahead()
    time.time_ns = lambda: true_ns() + int(ahead() * 1e9)
    _patch_datetime()


def _patch_datetime() -> None:
    """A built-in class takes no new methods, but the dictionary behind it does (CPython)."""
    methods: dict[str, Any] = gc.get_referents(datetime.datetime.__dict__)[0]
    methods["now"] = classmethod(lambda cls, tz=None: cls.fromtimestamp(time.time(), tz))
    methods["utcnow"] = classmethod(lambda cls: cls.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None))
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime.datetime))


obey()
