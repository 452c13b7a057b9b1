"""What the figures were taken on."""

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

MEASURED_WITH = ("uvicorn", "uvloop", "daphne", "channels", "channels-redis", "django", "gunicorn")
PEERS_LOCK = Path(__file__).parent / "peers/node/package-lock.json"
PEERS = ("ws", "socket.io", "@socket.io/redis-adapter", "pg")


def describe() -> dict[str, str]:
    """Date, processor, memory, load before the benchmarks, kernel, Python and the versions that matter; lines of RESULTS.md."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{_field('/proc/cpuinfo', 'model name')}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GiB",
        "load": f"{os.getloadavg()[0]:.1f} processes wanted a core in the minute before (0 is a quiet machine)",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": ", ".join(f"{name} {version(name)}" for name in MEASURED_WITH),
        "peers on node": ", ".join(f"{name} {_locked(name)}" for name in PEERS),
    }


def _locked(name: str) -> str:
    packages = json.loads(PEERS_LOCK.read_text())["packages"]
    return str(packages[f"node_modules/{name}"]["version"])


def _field(file: str, name: str) -> str:
    for line in Path(file).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"
