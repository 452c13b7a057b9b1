"""infra/terraform/README.md: its commands of a release and a rotation, run as they stand there, by programs that only listen."""

import os
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.infra.pasted import chapter, commands

TOKEN: Final = "f" * 50
URL: Final = " ".join(f"rediss://:{TOKEN}@primary-{n}.cache.example:6379/0" for n in range(2))

# Each says in `said` what it is asked for. `aws` answers as with two primaries, and fails at the word in FAILS.
AWS: Final = f"""#!/bin/sh
echo "aws $*" >>"$SAID"
test -n "$FAILS" && test "$2" = "$FAILS" && exit 254
case "$2" in
  get-secret-value) echo "{URL}" ;;
  describe-replication-groups) echo porchlight-production-0; echo porchlight-production-1 ;;
esac
"""
TERRAFORM: Final = '#!/bin/sh\necho "terraform $*" >>"$SAID"\n'
JQ: Final = '#!/bin/sh\necho "aws $2"\n'  # the command that an output holds


class Operator:
    """Somebody who pastes commands into a shell."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said = folder, folder / "said"
        for name, text in {"aws": AWS, "terraform": TERRAFORM, "jq": JQ}.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)

    def paste(self, words: str, fails: str = "") -> bool:
        """Whether all of it went well."""
        given = {"PATH": f"{self.folder}{os.pathsep}/usr/bin:/bin", "SAID": str(self.said), "FAILS": fails}
        return subprocess.run(["sh", "-c", words], env=given, cwd=self.folder, check=False).returncode == 0

    def asked(self, program: str, word: str = "") -> list[str]:
        """What this program was asked for."""
        lines = self.said.read_text().splitlines()
        return [line for line in lines if line.startswith(f"{program} ") and word in line]


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


class TestARelease:
    def test_takes_its_image_from_the_file_that_every_later_apply_reads(self, operator: Operator) -> None:
        """Named beside it, the next apply for another reason would put the old one back."""
        assert operator.paste(commands("A new release"))
        applied = [line for line in operator.asked("terraform") if " apply " in line]
        assert len(applied) == 2
        assert not [line for line in applied if "-var " in line or "-var=" in line or "image" in line]
        assert all("-var-file=environments/production.tfvars" in line for line in applied)
        assert "Put the new tag into `image`" in chapter("A new release").partition("```sh")[0]

    def test_migrates_before_the_new_servers_come(self, operator: Operator) -> None:
        operator.paste(commands("A new release"))
        told = [line for line in operator.said.read_text().splitlines() if "output" not in line]
        assert [
            words for line in told for words in ("-target=aws_ecs_task_definition.one_off", ".migrate", "apply") if words in line
        ] == [
            "-target=aws_ecs_task_definition.one_off",
            "apply",
            ".migrate",
            "apply",
        ]


class TestARotation:
    def test_of_valkeys_token_ends_with_the_old_one_withdrawn_at_every_primary(self, operator: Operator) -> None:
        assert operator.paste(commands("Rotation"))
        told = operator.asked("aws", "modify-replication-group")
        assert [re.findall(r"--replication-group-id (\S+)", line) for line in told] == [
            ["porchlight-production-0"],
            ["porchlight-production-1"],
        ]
        for line in told:
            assert f"--auth-token {TOKEN} --auth-token-update-strategy SET " in line
        assert all("--region eu-central-1" in line for line in operator.asked("aws"))

    @pytest.mark.parametrize("fails", ["wait", "get-secret-value", "describe-replication-groups"])
    def test_withdraws_nothing_where_it_does_not_know_the_new_one_or_tasks_have_the_old_one(
        self, operator: Operator, fails: str
    ) -> None:
        assert not operator.paste(commands("Rotation"), fails)
        assert operator.asked("aws", "modify-replication-group") == []

    def test_says_so_where_a_primary_refuses(self, operator: Operator) -> None:
        assert not operator.paste(commands("Rotation"), "modify-replication-group")
