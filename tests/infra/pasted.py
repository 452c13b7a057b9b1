"""Commands of infra/terraform/README.md and of its outputs, as an operator pastes them into a shell."""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tests.infra.terraform import SOURCE

README: Final = (SOURCE / "README.md").read_text()


def chapter(name: str) -> str:
    """The page's words under a heading, up to the next one."""
    return README.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def commands(name: str) -> str:
    """The one block of commands in a chapter."""
    (found,) = re.findall(r"^```sh\n(.*?)^```", chapter(name), re.DOTALL | re.MULTILINE)
    return str(found)


def run_with(client: str, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command in a shell that finds this client of AWS's."""
    with tempfile.TemporaryDirectory(prefix="porchlight-aws-") as folder:
        (program := Path(folder) / "aws").write_text(client)
        program.chmod(0o755)
        given = {"PATH": f"{folder}:/usr/bin:/bin"} | variables
        return subprocess.run(["sh", "-c", command], env=given, capture_output=True, text=True, check=False)
