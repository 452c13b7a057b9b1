"""Child processes and loopback ports: who holds one, and how a child ends with its parent."""

import contextlib
import ctypes
import errno
import os
import signal
import socket
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1  # prctl(2), Linux
LISTENING = "0A"  # the state of a socket in /proc/net/tcp


def die_with_parent() -> None:
    """Ask the kernel to send this process SIGTERM when its parent ends, however that ends. Linux only, else nothing.

    As `preexec_fn` it must come from the parent's main thread: the kernel means the thread that forked.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def is_running(pid: int) -> bool:
    """True while the process exists and is more than a zombie."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    with contextlib.suppress(OSError):  # no /proc on some systems
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def command_of(pid: int) -> str:
    """The command line of a process; empty if it is gone or not to be seen."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    return ""


def free_port() -> int:
    """A loopback port that nobody holds at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refusal(port: int) -> str | None:
    """Why this process cannot serve on the loopback port, as a clause; None if it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"port {port} is held by {holder(port)}"
            return f"port {port} cannot be used ({error.strerror})"
    return None


def holder(port: int) -> str:
    """Who listens on a port, as far as this account may see."""
    inodes = {f"socket:[{inode}]" for inode in _listening(port)}
    for descriptor in Path("/proc").glob("[0-9]*/fd/*") if inodes else ():
        with contextlib.suppress(OSError):
            if os.readlink(descriptor) in inodes:
                pid = int(descriptor.parts[2])
                return f"process {pid} ({command_of(pid)[:80]})"
    return "another program"


def _listening(port: int) -> list[str]:
    """The inodes of the sockets that listen on a port."""
    inodes = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
            inodes += [row[9] for row in rows if row[3] == LISTENING and int(row[1].rpartition(":")[2], 16) == port]
    return inodes
