"""The words that Terraform makes stay what they are while infra/terraform/ changes. Their source is a function here: no provider
is needed."""

import json
import re
from pathlib import Path
from typing import Final

import pytest

from tests.infra.terraform import NOT_HERE, PROGRAM, SOURCE, Terraform

pytestmark = pytest.mark.skipif(not PROGRAM, reason=NOT_HERE)

VERSION: Final = 3  # somebody made their only SECRET_KEY anew, twice
VARIABLES: Final = {"secret_key_oldest": 1, "secret_key_version": VERSION, "passwords_version": 1, "valkey_token_version": 1}
BEFORE: Final = """
resource "terraform_data" "word" {
  for_each         = { %s = %d, valkey = 1 }
  input            = uuid()
  triggers_replace = [each.value]
  lifecycle {
    ignore_changes = [input]
  }
}
"""


@pytest.mark.parametrize(("name", "version"), [("SECRET_KEY", VERSION), ("SECRET_KEY_1", 1)])
def test_the_secret_key_in_use_is_among_those_that_count_after_an_upgrade(name: str, version: int, tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    (tmp_path / "before/words.tf").write_text(BEFORE % (name, version))
    terraform = Terraform(tmp_path / "copy", tmp_path / "before")
    before = _applied(terraform)
    (terraform.folder / "words.tf").write_text(_words_as_they_are())
    after = _applied(terraform)
    assert (after["SECRET_KEY_1"], after["valkey"]) == (before[name], before["valkey"])
    assert len({after[f"SECRET_KEY_{number}"] for number in (1, 2, 3)}) == 3
    assert _applied(terraform) == after


def _words_as_they_are() -> str:
    words = re.sub(r'^data ".*?^}', "", (SOURCE / "words.tf").read_text(), flags=re.DOTALL | re.MULTILINE)
    words, found = re.subn(r"data\.aws_secretsmanager_random_password\.word\S+", "uuid()", words)
    assert found == 2
    return words + "".join(f'\nvariable "{name}" {{ default = {value} }}' for name, value in VARIABLES.items())


def _applied(terraform: Terraform) -> dict[str, str]:
    """Every word, by its name."""
    terraform.run("init")
    terraform.run("apply", "-auto-approve")
    state = json.loads(terraform.run("state", "pull"))
    found = [each for kind in state["resources"] for each in kind["instances"]]
    return {each["index_key"]: each["attributes"]["output"]["value"] for each in found}
