"""Terraform's own checks: its format, its validity, and its tests with a provider that only pretends."""

import subprocess
from pathlib import Path

import pytest

from tests.infra.terraform import NOT_HERE, PROGRAM, SOURCE, Terraform, plugins

pytestmark = [
    pytest.mark.skipif(not PROGRAM, reason=NOT_HERE),
    pytest.mark.xdist_group("terraform"),  # bringing the provider takes a while, and one copy is enough
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """A working copy with its provider."""
    found = Terraform(tmp_path_factory.mktemp("terraform"))
    found.init()
    return found


def test_its_files_are_formatted(terraform: Terraform) -> None:
    assert terraform.run("fmt", "-check", "-recursive", "-diff") == ""


def test_it_is_valid(terraform: Terraform) -> None:
    assert "The configuration is valid" in terraform.run("validate")


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("stack", "production"),
        ("knows", "production"),
        ("watch", "production"),
        ("refusals", "production"),
        ("staging", "staging"),
    ],
)
def test_it_makes_what_it_should_and_refuses_the_rest(terraform: Terraform, name: str, environment: str) -> None:
    said = terraform.run("test", f"-filter=tests/{name}.tftest.hcl", f"-var-file=environments/{environment}.tfvars")
    assert "0 failed" in said, said


@pytest.mark.parametrize("name", [".terraform/x", ".terraform.lock.hcl", "terraform.tfstate", "x.tfstate.backup", "x.tfplan"])
def test_no_file_of_a_run_is_committed(name: str) -> None:
    """States hold secrets, and a lock holds one platform's hashes."""
    assert subprocess.run(["git", "check-ignore", "-q", SOURCE / name], cwd=SOURCE, check=False).returncode == 0


def test_the_provider_is_looked_for_where_it_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.registry/hashicorp/aws").mkdir(parents=True)
    monkeypatch.setenv("TF_PLUGIN_DIR", str(tmp_path))
    assert plugins() == tmp_path
