"""The figures that RESULTS.md and results.json hold, so that one section can be measured again and the others stay."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.measure import Figures
from bench.page import Result
from bench.report import FOLDER, Goal, Row


@dataclass(frozen=True, slots=True)
class Kept:
    """A run that was written down."""

    results: dict[str, Result]  # by the name of the section
    machine: dict[str, str]
    notes: list[str]


def kept(titles: Mapping[str, str]) -> Kept:
    """What is written of the sections with these titles; one of which nothing is written is left out."""
    page = (FOLDER / "RESULTS.md").read_text()
    entries = json.loads((FOLDER / "results.json").read_text())
    results = {}
    for name, title in titles.items():
        rows = [row_of(entry) for entry in entries if entry["section"] == name]
        if rows:
            results[name] = Result(title, _part(page, title), Figures(rows, ""))
    machine = dict(re.findall(r"^- (\w+): (.*)$", _after(page, "of warming up, by `make bench`"), re.MULTILINE))
    return Kept(results, machine, re.findall(r"^- (.*)$", _part(page, "Not measured as it was meant to be"), re.MULTILINE))


def again(result: Result, date: str) -> Result:
    """A section that was measured by itself, and says so."""
    said = f"{result.how.rstrip()}\n\nThe figures of this section are of a run of its own, {date}.\n"
    return replace(result, how=said)


def row_of(entry: Mapping[str, Any]) -> Row:
    """A row as results.json holds it."""
    ours, peer, ratio = entry["ours"], entry["peer"], entry["ratio"]
    less = bool(ratio and ours and peer and abs(peer / ours - ratio) < abs(ours / peer - ratio))
    goal = _goal(entry["target"])
    return Row(entry["name"], entry["unit"], ours, entry["beside"], peer, goal=goal, less_is_better=less)


def _goal(target: str | None) -> Goal | None:
    if target is None:
        return None
    sign, figure = target.replace(",", "").split()
    if figure.endswith("x"):
        return Goal("times", float(figure[:-1]))
    return Goal("at_least" if sign == ">=" else "at_most", float(figure))


def _part(page: str, title: str) -> str:
    """What stands below a heading."""
    found = re.search(rf"^## {re.escape(title)}\n\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    return found[1].rstrip("\n") if found else ""


def _after(page: str, words: str) -> str:
    """The paragraph and the list behind these words."""
    rest = page.partition(words)[2]
    return rest.partition("\n## ")[0]
