"""docs/operations.md: what it says of jobs that were given up, done as it stands there, by each of its ways."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import yaml
from procrastinate.contrib.django.models import ProcrastinateJob

from saas.core import mail
from saas.core.jobs import defer
from saas.up.database import ROOT

PAGE = (ROOT / "docs/operations.md").read_text()
CHAPTER = PAGE.partition("\n### JobsFailed\n")[2].partition("\n### ")[0]
RETRY, DELETE, COMPOSE, AWS = re.findall(r"^```sh\n(.*?)^```", CHAPTER, re.DOTALL | re.MULTILINE)
NUMBER = "7"  # of the page's job

Superuser = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def failed(superuser: Superuser) -> int:
    """The number of a job that was given up."""
    to = f"{uuid4().hex}@mail.example"
    defer(mail.deliver, to=to, subject="Hello", text="Hello.", html="", message_id=f"<{uuid4()}@x>")
    job = ProcrastinateJob.objects.get(args__to=to)
    superuser.execute("UPDATE procrastinate_jobs SET status = 'failed', attempts = 9 WHERE id = %s", [job.id])
    return int(job.id)


def state_of(job: int) -> str:
    """Empty for one that is gone."""
    return str(ProcrastinateJob.objects.filter(id=job).values_list("status", flat=True).first() or "")


def about(job: int, commands: str) -> str:
    """The page's commands, for this job instead of its own."""
    said = re.sub(rf"\b{NUMBER}\b", str(job), commands)
    assert str(job) in said
    return said


def sh(commands: str, **variables: str) -> str:
    """What they say."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PG_BIN"], os.environ["PATH"]])
    given = os.environ | {"PATH": path} | variables
    done = subprocess.run(["sh", "-c", commands], cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def test_it_is_listed_and_runs_again(failed: int) -> None:
    said = sh(about(failed, RETRY))
    assert f"#{failed} {mail.deliver.name} on default - [failed]" in said
    assert state_of(failed) == "todo"


def test_or_it_is_deleted(failed: int) -> None:
    sh(about(failed, DELETE))
    assert state_of(failed) == ""


def test_one_that_waits_is_not_deleted(failed: int, superuser: Superuser) -> None:
    superuser.execute("UPDATE procrastinate_jobs SET status = 'todo' WHERE id = %s", [failed])
    sh(about(failed, DELETE))
    assert state_of(failed) == "todo"


def test_the_servers_own_login_may_do_neither(failed: int) -> None:
    said = sh(about(failed, RETRY).replace("DATABASE_AS_OWNER=1", "DATABASE_AS_OWNER=0"))
    assert "ConnectorException" in said
    assert state_of(failed) == "failed"


@pytest.mark.parametrize(("line", "then"), list(enumerate(["todo", ""])))
def test_with_containers(failed: int, line: int, then: str) -> None:
    """No engine runs here: what compose.yaml would start is started by hand."""
    archive = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["archive"]
    *compose, name, command = about(failed, COMPOSE).splitlines()[line].split(" ", 5)
    assert [*compose, name] == ["docker", "compose", "run", "--rm", "archive"]
    whole = shlex.join([*archive["entrypoint"], *shlex.split(command)])
    sh(whole, DATABASE_AS_OWNER=archive["environment"]["DATABASE_AS_OWNER"])
    assert state_of(failed) == then


def test_on_aws(failed: int) -> None:
    """Terraform's output for the task `migrate` asks for what is in OVERRIDES, as the checks of the whole stack see."""
    asked = sh('terraform() { :; }; jq() { echo "echo \\$OVERRIDES"; }; ' + about(failed, AWS))
    (container,) = json.loads(asked)["containerOverrides"]
    assert container["name"] == "porchlight"
    sh(shlex.join(container["command"]), DATABASE_AS_OWNER="1")
    assert state_of(failed) == "todo"
