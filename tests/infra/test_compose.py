"""compose.yaml is read, not run: no container engine runs where this is tested."""

import contextlib
import ipaddress
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml

from chat.consumers import drain
from saas.core.server import GRACE_SECONDS
from saas.up.database import CLUSTER_SQL, ROOT
from saas.up.postgres import EmbeddedPostgres

OURS = ("web", "web2", "ws", "ws2", "worker")
SERVERS = ("web", "web2", "ws", "ws2")
SECRET = re.compile("SECRET|PASSWORD|EMAIL_USER|DATABASE.*_URL")
OTHERS = ("nginx", "db", "valkey")


@pytest.fixture(scope="module")
def file() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return found


@pytest.fixture(scope="module")
def services(file: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = file["services"]
    return found


def seconds(text: str) -> int:
    """`60s` as a number."""
    return int(text.removesuffix("s"))


def test_all_parts_are_there(services: dict[str, Any]) -> None:
    assert set(services) == {*OURS, *OTHERS, "migrate", "archive"}
    assert services["db"]["image"].startswith("postgres:18")
    assert services["valkey"]["image"].startswith("valkey/valkey:")


def test_nothing_is_written_but_where_it_must_be(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["tmpfs"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        if name != "db":  # which gives its data to its own account first
            assert service["cap_drop"] == ["ALL"], name


def test_nothing_takes_all_of_the_machine(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name


def test_each_waits_for_what_it_needs(services: dict[str, Any]) -> None:
    for name in OURS:
        assert {each: wait["condition"] for each, wait in services[name]["depends_on"].items()} == {
            "migrate": "service_completed_successfully",
            "db": "service_healthy",
            "valkey": "service_healthy",
        }
    assert services["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    for name in (*SERVERS, *OTHERS):
        assert services[name]["healthcheck"]["test"][0] == "CMD", name  # no shell in between


def test_there_is_time_to_drain(services: dict[str, Any]) -> None:
    longest = drain.BATCHES * drain.BATCH_SECONDS + 2 * drain.FLUSH_SECONDS + GRACE_SECONDS
    for name in SERVERS:
        assert seconds(services[name]["stop_grace_period"]) > longest


def test_each_process_serves_its_part_and_holds_no_more_than_it_needs(services: dict[str, Any]) -> None:
    told = {name: services[name]["environment"] for name in (*OURS, "migrate", "archive")}
    assert [told[name].get("PORCHLIGHT_SERVES") for name in SERVERS] == ["web", "web", "ws", "ws"]
    assert [name for name, each in told.items() if each.get("DATABASE_AS_OWNER")] == ["migrate", "archive"]
    assert {name for name, each in told.items() if not each["DATABASE_OWNER_URL"]} == {"ws", "ws2"}
    for each in told.values():
        assert each["WORKER_IN_PROCESS"] == "0"
        assert {each[name] for name in ("POSTGRES_PASSWORD", "PORCH_APP_PASSWORD", "PORCH_OWNER_PASSWORD")} == {""}
    assert services["worker"]["command"] == ["python", "-m", "saas.worker"]
    assert services["migrate"]["command"] == ["python", "manage.py", "migrate_tenants"]


def test_sockets_and_migrations_hold_no_secret_of_others(services: dict[str, Any]) -> None:
    """`env_file` gives all of .env; what stands beside it counts."""
    settings = (ROOT / ".env.example").read_text().partition("# --- compose.yaml alone ---")[0]
    secrets = {name for name in re.findall(r"^#?([A-Z_]+)=", settings, re.MULTILINE) if SECRET.search(name)}
    assert len(secrets) >= 6
    for name in ("ws", "ws2", "migrate"):
        held = {each for each in secrets if services[name]["environment"].get(each) != ""}
        owner = {"DATABASE_OWNER_URL"} if name == "migrate" else set()
        assert held == {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL"} | owner, name


def test_redis_forgets_nothing(services: dict[str, Any]) -> None:
    words = services["valkey"]["command"]
    assert words[words.index("--maxmemory-policy") + 1] == "noeviction"


def test_only_nginx_is_met_from_outside(services: dict[str, Any], file: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    assert file["networks"]["back"] == {"internal": True}
    assert [set(services[name]["networks"]) for name in ("db", "valkey")] == [{"back"}, {"back"}]


def test_nginx_finds_the_processes(services: dict[str, Any]) -> None:
    upstreams = (ROOT / "infra/compose/upstreams.conf").read_text()
    for name in ("web", "ws"):
        block = re.search(rf"upstream {name} {{(.*?)}}", upstreams, re.DOTALL)
        assert block is not None
        given = [services[each]["networks"]["front"]["ipv4_address"] for each in (name, f"{name}2")]
        assert re.findall(r"server ([\d.]+):8000 ", block[1]) == given


def test_nobody_is_given_an_address_that_is_anothers(services: dict[str, Any], file: dict[str, Any]) -> None:
    """Whoever starts first, and names none, gets one that is free then: nginx starts last."""
    (given,) = file["networks"]["front"]["ipam"]["config"]
    spare, whole = (ipaddress.ip_network(given[name]) for name in ("ip_range", "subnet"))
    named = [
        ipaddress.ip_address(network["ipv4_address"])
        for service in services.values()
        for name, network in service["networks"].items()
        if name == "front" and "ipv4_address" in network
    ]
    taken = [*named, ipaddress.ip_address(given["gateway"])]
    assert len(set(taken)) == len(taken) == len(SERVERS) + 2
    assert all(address in whole and address not in spare for address in taken)
    assert "ipv4_address" not in services["archive"]["networks"]["front"]  # else a second one could not run


def test_an_archive_is_made_when_it_is_asked_for_and_lies_outside(services: dict[str, Any]) -> None:
    archive = services["archive"]
    assert archive["profiles"]
    assert (archive["entrypoint"], archive["restart"]) == (["python", "manage.py"], "no")
    folder = archive["command"][archive["command"].index("--to") + 1]
    assert [volume.rpartition(":")[2] for volume in archive["volumes"]] == ["/var/lib/porchlight", folder]
    assert archive["environment"]["TMPDIR"] == folder  # /tmp is small
    assert archive["volumes"][0] == services["web"]["volumes"][0]  # with the files


def test_the_database_keeps_what_people_write_out_of_its_log(services: dict[str, Any]) -> None:
    """A real server with these settings: what it says of errors holds no value, and no statement either."""
    told = dict(word.removeprefix("-c").split("=", 1) for word in services["db"]["command"] if word.startswith("-clog_"))
    with tempfile.TemporaryDirectory(prefix="porchlight-log-") as made:
        Path(made).chmod(0o755)
        server = EmbeddedPostgres(made)
        with server.use() as superuser, psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute("CREATE TABLE person (email text UNIQUE, said text CHECK (said <> 'lamp'))")
            for count, secret in enumerate(("before", "hidden")):
                for name, value in told.items() if count else ():
                    connection.execute(f"SET {name} = {value}")
                for values in (f"'{secret}-ada', ''", f"'{secret}-ada', ''", f"'{secret}-lamp', 'lamp'"):
                    with contextlib.suppress(psycopg.errors.IntegrityError):
                        connection.execute(f"INSERT INTO person VALUES ({values})")
        server.wait_stopped()
        log = server.log.read_text()
    assert "before-ada" in log  # as it is without
    assert "hidden" not in log
    assert log.count("duplicate key value violates unique constraint") == 2


def test_every_file_that_is_mounted_is_there(services: dict[str, Any]) -> None:
    for service in services.values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert not source.startswith("./") or (ROOT / source).exists(), volume


def test_every_variable_is_in_the_example() -> None:
    """So that a copy of it, filled in, is enough."""
    named = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "compose.yaml").read_text()))
    known = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert named - known == set()


def test_a_new_database_gets_its_roles(services: dict[str, Any]) -> None:
    """infra/compose/postgres.sh, run as the postgres image runs it, on a new server; then the two logins of the addresses."""
    passwords = {"PORCH_APP_PASSWORD": "it's secret", "PORCH_OWNER_PASSWORD": "another"}
    with tempfile.TemporaryDirectory(prefix="porchlight-compose-") as made:
        Path(made).chmod(0o755)  # as root, the server's account must enter it
        server = EmbeddedPostgres(made)
        with server.use() as superuser:
            url = urlsplit(superuser)
            address = {"PGHOST": url.hostname or "", "PGPORT": str(url.port), "PGPASSWORD": url.password or ""}
            path = f"{server.programs.path('psql').parent}:/usr/bin:/bin"
            words = ["/bin/sh", str(ROOT / "infra/compose/postgres.sh")]
            subprocess.run(words, env=passwords | address | {"PATH": path, "CLUSTER_SQL": str(CLUSTER_SQL)}, check=True)
            for variable, password in {"DATABASE_URL": "it's secret", "DATABASE_OWNER_URL": "another"}.items():
                told = urlsplit(re.sub(r"\$\{.*?\}", "", services["web"]["environment"][variable]))
                login = f"host={url.hostname} port={url.port} user={told.username} dbname={told.path[1:]}"
                with psycopg.connect(login, password=password) as connection:
                    assert connection.execute("SELECT session_user").fetchone() == (told.username,)
        server.wait_stopped()
