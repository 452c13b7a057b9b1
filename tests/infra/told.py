"""What the README of infra/terraform/ says of alarms: which of Prometheus' alerts each stands for."""

import re
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
TERRAFORM: Final = ROOT / "infra/terraform"
RULES: Final = ROOT / "infra/prometheus/rules.yml"
CHAPTER: Final = (TERRAFORM / "README.md").read_text().partition("\n## Alarms\n")[2].partition("\n## ")[0]


def paging() -> set[str]:
    """The alerts of Prometheus that wake somebody, in lower case, as a page's anchors are."""
    rules: list[dict[str, Any]] = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    return {rule["alert"].lower() for rule in rules if rule.get("labels", {}).get("severity") == "page"}


def rows() -> list[tuple[set[str], set[str]]]:
    """Of the table: the alarms of a row, by the ends of their names, and the sections of the runbook that it leads to."""
    cells = [line.split("|") for line in CHAPTER.splitlines() if line.startswith("| `")]
    return [
        (set(re.findall(r"`([a-z-]+)`", names)), set(re.findall(r"docs/operations\.md#([\w-]+)", words)))
        for _, names, words, *_ in cells
    ]
