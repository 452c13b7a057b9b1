"""The units of infra/systemd, read by systemd itself where it is there. They are not started: that takes a systemd that runs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import ProcessCollector

from chat.consumers import drain
from saas.core.server import GRACE_SECONDS
from saas.up.database import ROOT

UNITS = ROOT / "infra/systemd"
INSTANCES = {"porchlight-web@.service": "8000", "porchlight-ws@.service": "8100"}
SERVICES = (*INSTANCES, "porchlight-worker.service", "porchlight-migrate.service")
SECRET = re.compile("SECRET|PASSWORD|EMAIL_USER|DATABASE.*_URL")
MOST_EXPOSED = 2.0  # of 10, as `systemd-analyze security` counts

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")


def instance(name: str) -> str:
    """A unit as one would start it."""
    return name.replace("@", f"@{INSTANCES[name]}") if name in INSTANCES else name


def said(name: str, key: str) -> list[str]:
    """What a unit says under a key."""
    return re.findall(rf"^{key}=(.*)$", (UNITS / name).read_text(), re.MULTILINE)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The units, for this checkout instead of /opt/porchlight: systemd wants to see what they start."""
    (opt := tmp_path / "opt").symlink_to(ROOT)  # a unit cannot name a folder with a space
    (python := tmp_path / "python").symlink_to(sys.executable)
    for unit in UNITS.iterdir():
        text = unit.read_text().replace("/opt/porchlight/.venv/bin/python", str(python))
        (tmp_path / unit.name).write_text(text.replace("/opt/porchlight", str(opt)))
    return tmp_path


@needs_systemd
def test_systemd_has_nothing_to_say_against_them(here: Path) -> None:
    names = [instance(name) for name in (*SERVICES, "porchlight.target")]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names], cwd=here, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_each_is_shut_in(here: Path, name: str) -> None:
    words = ["systemd-analyze", "security", "--offline=true", "--no-pager", instance(name)]
    done = subprocess.run(words, cwd=here, capture_output=True, text=True, check=False)
    exposed = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert exposed is not None, done.stderr
    assert float(exposed[1]) <= MOST_EXPOSED


@pytest.mark.parametrize("name", INSTANCES)
def test_there_is_time_to_drain_and_the_next_one_waits_for_this_one(name: str) -> None:
    longest = drain.BATCHES * drain.BATCH_SECONDS + 2 * drain.FLUSH_SECONDS + GRACE_SECONDS
    assert int(said(name, "TimeoutStopSec")[0]) > longest
    assert said(name, "KillSignal") == ["SIGTERM"]
    assert "-m saas.probe live --port %i --wait" in said(name, "ExecStartPost")[0]  # `ready` would end one that Redis has left


@pytest.mark.parametrize(("name", "part"), [("porchlight-web@.service", "web"), ("porchlight-ws@.service", "ws")])
def test_each_serves_its_part(name: str, part: str) -> None:
    assert f"PORCHLIGHT_SERVES={part} WORKER_IN_PROCESS=0" in said(name, "Environment")[0]


@pytest.mark.parametrize("name", SERVICES)
def test_what_alerts_ask_of_a_process_can_be_told(name: str, tmp_path: Path) -> None:
    """Its memory and its files: told where /proc/stat can be read, which ProcSubset=pid hides."""
    (tmp_path / "self").symlink_to("/proc/self")
    assert not list(ProcessCollector(proc=str(tmp_path), registry=None).collect())
    (tmp_path / "stat").symlink_to("/proc/stat")
    told = {family.name for family in ProcessCollector(proc=str(tmp_path), registry=None).collect()}
    assert {"process_resident_memory_bytes", "process_open_fds", "process_max_fds"} <= told
    assert said(name, "ProcSubset") == []


@pytest.mark.parametrize(("name", "keeps"), [("ws@", set()), ("migrate", {"DATABASE_OWNER_URL"})])
def test_sockets_and_migrations_hold_no_secret_of_others(name: str, keeps: set[str]) -> None:
    """`EnvironmentFile` gives all of it; `UnsetEnvironment` takes away at the end. Also where a file holds the value."""
    settings = (ROOT / ".env.example").read_text().partition("# --- compose.yaml alone ---")[0]
    secrets = {found for found in re.findall(r"^#?([A-Z_]+)=", settings, re.MULTILINE) if SECRET.search(found)}
    taken = set(" ".join(said(f"porchlight-{name}.service", "UnsetEnvironment")).split())
    for ending in ("", "_FILE"):
        kept = {each for each in secrets if each + ending not in taken}
        assert kept == {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL"} | keeps


def test_only_migrations_run_as_the_owner() -> None:
    assert [name for name in SERVICES if "DATABASE_AS_OWNER=1" in said(name, "Environment")] == ["porchlight-migrate.service"]


def test_the_ports_of_the_target_are_those_of_nginx() -> None:
    upstreams = (ROOT / "infra/nginx/porchlight/upstreams.conf").read_text()
    known = {port for _, port in re.findall(r"porchlight-(web|ws)@(\d+)", (UNITS / "porchlight.target").read_text())}
    assert set(re.findall(r"server 127\.0\.0\.1:(\d+) ", upstreams)) == known
