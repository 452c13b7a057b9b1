"""`.env.example` names what the settings read, all of it and no more, and docs/deployment.md has it as a table."""

import re

from saas.up.database import ROOT
from saas.up.settings_table import BEGIN, END, PAGE, page

READ = re.compile(r"""env\.(?:text|flag|number|choice|limits|database)\(\s*"([A-Z_]+)\"""")
NAMED = re.compile(r"^#?([A-Z_]+)=", re.MULTILINE)
COMPOSE = re.compile(r"\$\{([A-Z_]+)")


def read_names() -> set[str]:
    """What any module of ours asks the environment for through `saas.env`."""
    folders = ("saas", "tenants", "billing", "chat", "widget")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts]
    return {name for path in files for name in READ.findall(path.read_text())}


def example() -> str:
    return (ROOT / ".env.example").read_text()


def test_every_setting_is_named_once_and_none_that_nobody_reads() -> None:
    names, of_compose = NAMED.findall(example()), set(COMPOSE.findall((ROOT / "compose.yaml").read_text()))
    assert len(names) == len(set(names))
    assert read_names() - set(names) == set()
    assert set(names) - read_names() - of_compose == set()


def test_each_is_explained_above() -> None:
    lines = example().splitlines()
    for number, line in enumerate(lines):
        if NAMED.match(line):
            above = next(lines[at] for at in range(number - 1, -1, -1) if not NAMED.match(lines[at]))
            assert above.startswith("# "), f"{line} has no word above it"


def test_the_docs_have_all_of_it() -> None:
    """`python -m saas.up.settings_table` writes the table; here it would change nothing."""
    text = PAGE.read_text()
    assert text.count(BEGIN) == text.count(END) == 1
    assert page(text, example()) == text
    assert {f"`{name}`" for name in NAMED.findall(example())} <= set(re.findall(r"^\| (`[A-Z_]+`) \|", text, re.MULTILINE))
