"""The Dockerfile is read, and its last stage laid out by hand: no container engine runs where this is tested."""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from saas.up.database import ROOT
from tests.infra.dockerfile import Stage, copies, read, variables_of

ACCOUNT = "10001"


@pytest.fixture(scope="module")
def stages() -> list[Stage]:
    return read(ROOT / "Dockerfile")


@pytest.fixture(scope="module")
def final(stages: list[Stage]) -> Stage:
    return stages[-1]


def test_three_stages_of_pinned_small_images(stages: list[Stage]) -> None:
    assert [stage.name for stage in stages] == ["client", "packages", ""]
    for stage in stages:
        assert re.fullmatch(r"(node|python):\d[\d.]*-bookworm-slim|python:3\.\d+-slim-bookworm", stage.image)
    assert stages[1].image == stages[2].image  # a virtual environment belongs to its Python


def test_every_package_is_checked_against_its_hash(stages: list[Stage]) -> None:
    installs = [line.rest for stage in stages for line in stage.all("RUN") if "pip install" in line.rest or "npm" in line.rest]
    assert len(installs) == 2
    assert "npm ci --ignore-scripts" in installs[0]  # by package-lock.json
    assert "--require-hashes" in installs[1]


def test_it_runs_as_nobody_in_particular_and_writes_only_its_data(final: Stage) -> None:
    assert final.last("USER").rest == f"{ACCOUNT}:{ACCOUNT}"
    assert final.last("VOLUME").rest == "/var/lib/porchlight"
    made = " ".join(line.rest for line in final.all("RUN"))
    assert f"install -d -o {ACCOUNT} -g {ACCOUNT} /var/lib/porchlight" in made
    assert not final.all("ADD")
    assert final.lines.index(final.last("USER")) > final.lines.index(final.last("RUN"))


def test_it_has_the_programs_that_archives_of_tenants_need(final: Stage) -> None:
    """In the version of the database's own image, whose key and list they are checked by."""
    image: str = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["db"]["image"]
    version = image.removeprefix("postgres:").removesuffix("-bookworm")
    taken = {line.rest.split()[0] for line in final.all("COPY") if line.flags.get("from") == image}
    assert taken == {"/usr/local/share/keyrings/postgres.gpg.asc", "/etc/apt/sources.list.d/pgdg.list"}
    install = next(line for line in final.all("RUN") if "apt-get install" in line.rest)
    assert install.rest.endswith(f"postgresql-client-{version} && rm -rf /var/lib/apt/lists/*")
    assert f"/usr/lib/postgresql/{version}/bin" in variables_of(final)["PATH"].split(":")
    assert final.lines.index(install) < final.lines.index(final.last("USER"))


def test_it_is_the_first_process_and_is_told_to_end_by_sigterm(final: Stage) -> None:
    assert final.last("CMD").exec == ["python", "-m", "saas.serve", "--host", "0.0.0.0", "--port", "8000"]
    assert final.last("STOPSIGNAL").rest == "SIGTERM"
    assert not final.all("ENTRYPOINT")


def test_its_health_is_asked_for_in_python(final: Stage) -> None:
    check = final.last("HEALTHCHECK")
    assert check.exec == ["python", "-m", "saas.probe", "live"]
    assert set(check.flags) >= {"interval", "timeout", "start-period", "retries"}


def test_no_secret_stays_in_it(final: Stage) -> None:
    assert "SECRET" not in " ".join(line.rest for line in [*final.all("ENV"), *final.all("ARG")])


def test_all_that_is_copied_is_there_and_reaches_the_builder(stages: list[Stage]) -> None:
    for stage in stages:
        for sources, _ in copies(stage):
            for source in sources:
                found = list(ROOT.glob(source.rstrip("/")))
                assert found, f"COPY {source}: there is no such file"
                assert all(_reaches(path) for path in found), f"COPY {source}: .dockerignore keeps it away"


def test_what_is_nobodys_business_does_not_reach_the_builder() -> None:
    for path in (".git/config", ".data/up.json", ".env", "tests/conftest.py", "saas/up/demo.py", "widget/client/node_modules/x"):
        assert not _reaches(ROOT / path), path


def _reaches(path: Path) -> bool:
    """By .dockerignore: the last line that fits the path, or one of the folders that it is in, decides."""
    name, kept = str(path.relative_to(ROOT)), True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.lstrip("!")
        fits = [each for each in (name, *map(str, Path(name).parents)) if fnmatch.fnmatch(each, pattern.replace("**/", "*"))]
        if line and not line.startswith("#") and fits:
            kept = line.startswith("!")
    return kept


def test_what_is_copied_is_enough_to_serve(final: Stage, tmp_path: Path) -> None:
    """The last stage by hand: its files, `collectstatic`, then the server's modules, without the rest of the checkout."""
    for sources, target in copies(final):
        for source in sources:
            for path in ROOT.glob(source.rstrip("/")):
                _copy(path, tmp_path / target / (path.name if path.is_file() else ""))
    _copy(ROOT / "static/built", tmp_path / "static/built")
    none = "postgresql://none@localhost/none"
    home, given = final.last("WORKDIR").rest, variables_of(final)
    static_root = given["STATIC_ROOT"].replace(home, str(tmp_path))
    variables = {"SECRET_KEY": "none", "DATABASE_URL": none, "DATABASE_OWNER_URL": none, "PATH": os.environ["PATH"]}
    variables |= {"STATIC_ROOT": static_root, "DATA_DIR": str(tmp_path / "data"), "PYTHONDONTWRITEBYTECODE": "1"}
    for words in (["manage.py", "collectstatic", "--noinput", "--verbosity", "0"], ["-c", "import saas.serve, saas.probe"]):
        done = subprocess.run([sys.executable, *words], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert static_root.startswith(str(tmp_path))
    assert list((Path(static_root) / "built").glob("inbox.*.js"))
    assert f"install -d -o {ACCOUNT} -g {ACCOUNT} /var/lib/porchlight {given['STATIC_ROOT']}" in final.all("RUN")[0].rest


def _copy(source: Path, target: Path) -> None:
    """As COPY does, but for what .dockerignore keeps away."""
    files = [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file() and _reaches_here(path)]
    for file in files:
        place = target if source.is_file() else target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)


def _reaches_here(path: Path) -> bool:
    """The built files come from a stage, not from the checkout."""
    return _reaches(path) or (ROOT / "static/built") in path.parents
