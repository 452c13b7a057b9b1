"""Who has the cores first: what is measured before all else, and what makes the noise behind all else."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

FIRST = 1  # the lowest of the real-time priorities, which is above all that has none


@contextlib.contextmanager
def first() -> Iterator[bool]:
    """What is started in the block has a core before anything else does, with its threads and children: sched(7), SCHED_RR.

    False where this account may not have that; then it has what everybody has.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(FIRST))
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def put_behind(pid: int) -> None:
    """Take from a program, with its threads, what `first` gave it: it has what everybody has."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))


def put_last(pid: int) -> None:
    """Give a program the last core, and of it what nobody else wants. It has one thread."""
    os.sched_setaffinity(pid, {max(os.sched_getaffinity(0))})
    os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
    with contextlib.suppress(OSError):  # where the kernel shares by session first (sched(7), autogroup), it is a session apart
        Path(f"/proc/{pid}/autogroup").write_text("19")
