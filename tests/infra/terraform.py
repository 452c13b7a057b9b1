"""Terraform on a copy of `infra/terraform/`, so that a run leaves nothing in the checkout.

The provider comes from a folder named `tf-plugins`, if there is one: TF_PLUGIN_DIR, or in one of the usual places. Otherwise
`terraform init` fetches it, as everywhere.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).resolve().parents[2] / "infra/terraform"
PROGRAM: Final = shutil.which("terraform")
MIRROR: Final = "tf-plugins"
PROVIDER: Final = "*/hashicorp/aws"  # below the name of the registry that it came from
NOT_HERE: Final = "Terraform is not installed: nothing of infra/terraform/ is checked here. Any version from 1.11 on will do."


class Failed(Exception):
    """A command of Terraform's failed; its words are the message."""


class Terraform:
    """One working copy, for one environment after the other; of another configuration, if its `source` is given."""

    def __init__(self, folder: Path, source: Path = SOURCE, /, **variables: str) -> None:
        self.folder = folder
        self._environment = environment() | variables
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))

    def init(self, *, backend: bool = False) -> Path | None:
        """Bring the provider; the folder that it came from, if it was there. Without `backend` no state can be kept."""
        mirror = plugins()
        self.run("init", f"-backend={str(backend).lower()}", "-input=false", *([f"-plugin-dir={mirror}"] if mirror else []))
        return mirror

    def run(self, *words: str) -> str:
        """What a command says. Raises Failed."""
        command = [str(PROGRAM), *words, *([] if words[0] == "output" else ["-no-color"])]
        found = subprocess.run(command, cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False)
        if found.returncode:
            raise Failed(f"terraform {' '.join(words)}:\n{found.stdout}\n{found.stderr}")
        return found.stdout


def environment() -> dict[str, str]:
    """This process's, without a configuration file that cannot be read (each command would warn) and without real keys."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_VAR_", "TF_CLI_ARGS"))}
    file = kept.get("TF_CLI_CONFIG_FILE")
    if file and not os.access(file, os.R_OK):
        kept["TF_CLI_CONFIG_FILE"] = os.devnull
    return kept | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}


def plugins() -> Path | None:
    """The folder that holds the provider, or None."""
    return next((place for place in _places() if any(place.glob(PROVIDER))), None)


def _places() -> Iterator[Path]:
    if chosen := os.environ.get("TF_PLUGIN_DIR"):
        yield Path(chosen)
    beside = Path(PROGRAM).resolve().parents if PROGRAM else ()
    for parent in (*beside, Path("/", "opt"), Path("/", "usr", "share"), Path.home(), *SOURCE.parents):
        yield parent / MIRROR
