"""A scanner looks for what is unsafe in infra/terraform/; what it finds is mended, or has its reason in checkov.yaml."""

import json
import subprocess
from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml

from tests.infra import environment
from tests.infra.terraform import SOURCE

REASONS = SOURCE / "checkov.yaml"
SCANNER = [str(environment.PYTHON), "-m", "checkov.main"]  # its script does not start from a folder with a space

pytestmark = [
    pytest.mark.skipif(not environment.is_ready(), reason="The scanner is not installed: python -m tests.infra.environment"),
    pytest.mark.timeout(300),
]

Finding = tuple[str, str]  # the check, and the resource


@pytest.fixture(scope="module")
def findings() -> set[Finding]:
    """All that it says, with the numbers of production."""
    words = ["--directory", str(SOURCE), "--framework", "terraform", "--output", "json", "--compact", "--quiet"]
    offline = ["--skip-download", "--var-file", str(SOURCE / "environments/production.tfvars")]
    done = subprocess.run([*SCANNER, *words, *offline], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("{"), done.stderr[-2000:]
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["summary"]["parsing_errors"] == 0
    assert said["summary"]["passed"] > 300, "it did not look at everything"
    return {(each["check_id"], each["resource"]) for each in said["results"]["failed_checks"]}


def reasons() -> list[tuple[str, str]]:
    """Each check with each pattern of what it may be said of."""
    written: list[dict[str, Any]] = yaml.safe_load(REASONS.read_text())
    assert all(len(each["why"]) > 20 for each in written)
    return [(check, pattern) for each in written for check in each["checks"] for pattern in each["of"]]


def is_said(finding: Finding, reason: tuple[str, str]) -> bool:
    check, pattern = reason
    return check == finding[0] and fnmatchcase(finding[1], pattern.replace("[", "[[]"))


def test_nothing_unsafe_is_without_a_reason(findings: set[Finding]) -> None:
    known = reasons()
    unknown = sorted(each for each in findings if not any(is_said(each, reason) for reason in known))
    assert not unknown, "mend them, or say in checkov.yaml why they stay"


def test_no_reason_outlives_what_it_was_for(findings: set[Finding]) -> None:
    over = {check for check, _ in reasons()} - {check for check, _ in findings}
    assert not over, f"take {over} out of checkov.yaml"
