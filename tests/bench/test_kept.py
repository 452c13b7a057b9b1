"""What was written of a run is read again, so that one section may be measured by itself."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench import kept, report
from bench.__main__ import FULL, SECTIONS
from bench.measure import Figures
from bench.page import Result, page
from bench.report import Goal, Row, write

ROWS = [
    Row("sends", "messages/s", 9_000, "a peer", 7_500, goal=Goal("times", 1.25)),
    Row("p99", "ms", 29.5, "a peer", 31, goal=Goal("at_most", 40), less_is_better=True),
    Row("opens", "sockets/CPU-s", 1_700, goal=Goal("at_least", 1_500)),
    Row("memory", "KiB", 15),
]
MACHINE = {"date": "2026-11-28 18:23 UTC", "processor": "a processor, 2 cores"}


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Figures of a test's own."""
    monkeypatch.setattr(report, "FOLDER", tmp_path)
    monkeypatch.setattr(kept, "FOLDER", tmp_path)
    return tmp_path


def written(rows: list[Row]) -> dict[str, Result]:
    one = Result("One thing", "How it is done.\n", Figures(rows, "| a table |"))
    results = {"one": one, "other": Result("Other", "How.\n", Figures(ROWS[3:], ""))}
    whole = page(list(results.values()), FULL, MACHINE, ["a note"])
    write({name: each.figures.rows for name, each in results.items()}, whole)
    return results


def test_all_of_it_is_read_again() -> None:
    results = written(ROWS)
    found = kept.kept({name: one.title for name, one in results.items()})
    assert {name: one.figures.rows for name, one in found.results.items()} == {"one": ROWS, "other": ROWS[3:]}
    assert found.results["one"].how == "How it is done.\n\n| a table |"
    assert (found.machine, found.notes) == (MACHINE, ["a note"])


def test_what_is_measured_again_says_when() -> None:
    written(ROWS)
    found = kept.kept({"one": "One thing"}).results["one"]
    said = kept.again(replace(found, figures=Figures(ROWS[:1], "| another |")), "2026-11-29 08:00 UTC")
    assert said.how.endswith("The figures of this section are of a run of its own, 2026-11-29 08:00 UTC.\n")


def test_the_figures_of_the_project_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path(report.__file__).parent
    monkeypatch.setattr(kept, "FOLDER", home)
    found = kept.kept({name: section.TITLE for name, section in SECTIONS.items()}).results
    entries = json.loads((home / "results.json").read_text())
    assert [row.as_json()["met"] for one in found.values() for row in one.figures.rows] == [entry["met"] for entry in entries]
    assert all(one.how for one in found.values())
