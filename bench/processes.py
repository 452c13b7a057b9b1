"""Server processes: started, watched for what they use, and stopped. Linux only: it reads /proc."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.load import CannotMeasure
from saas.up.processes import die_with_parent

START_SECONDS = 30.0
STOP_SECONDS = 15.0
LINES = 12  # of a log that are shown
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
ROOT = Path(__file__).resolve().parents[1]


@contextlib.contextmanager
def server(words: Sequence[str], *, port: int, environment: dict[str, str], log: Path) -> Iterator[int]:
    """Run a server until the block ends; yields its process id once `port` answers.

    Raises `CannotMeasure`. Where the block does, the end of the server's log is shown, too.
    """
    environment = os.environ | environment
    with open(log, "ab") as out:
        begun = out.tell()
        process = subprocess.Popen(
            words,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # a terminal's Ctrl-C is for us, and we stop it
            preexec_fn=die_with_parent,
        )
    try:
        _await_port(process, port, log)
        yield process.pid
    except CannotMeasure:
        _show_end(log, begun)
        raise
    finally:
        _stop(process)


def _await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise CannotMeasure(f"{log.stem} does not serve.")


def _show_end(log: Path, begun: int) -> None:
    for line in log.read_bytes()[begun:].decode(errors="replace").splitlines()[-LINES:]:
        print(f"  {log.stem}: {line}", flush=True)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def cpu_seconds(pid: int) -> float:
    """CPU time that a process and its children, living and reaped, have used."""
    return sum(_own_cpu(each) for each in _family(pid))


def resident_bytes(pid: int) -> int:
    """Memory of a process and its children that is resident; what they share is counted for each."""
    return sum(_resident(each) for each in _family(pid))


def _family(pid: int) -> list[int]:
    """The process and all its living descendants."""
    parents = {int(entry.name): _parent(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    family = [pid]
    for member in family:  # grows while it is walked
        family += [child for child, parent in parents.items() if parent == member]
    return family


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on (field 3 of proc(5)); empty if the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _parent(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def _own_cpu(pid: int) -> float:
    return sum(int(ticks) for ticks in _stat(pid)[11:15]) / TICKS  # utime, stime, cutime, cstime


def _resident(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[21]) * PAGE if fields else 0
