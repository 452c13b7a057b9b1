"""The run as a whole: what fails has a row that says so, and costs nothing but its own figures."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import __main__ as program
from bench import config, report
from bench.config import GUNICORN, Served
from bench.load import CannotMeasure
from bench.measure import OURS, Bench, Figures
from bench.report import Goal, Row


def section(title: str, outcome: Figures | BaseException) -> SimpleNamespace:
    def measure(_bench: Bench) -> Figures:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return SimpleNamespace(TITLE=title, HOW="So.\n", measure=measure)


WELL = section("Sends", Figures([Row("sends", "messages/s", 9, goal=Goal("at_least", 5))], "runs"))
BROKEN = section("Opens", KeyError("a defect"))
REFUSED = section("Rooms", CannotMeasure("too few files"))
HALF = section("Latency", Figures([Row("p99", "ms", 4, "ws")], "runs"))


@contextmanager
def no_services(_folder: Path) -> Iterator[None]:
    yield None


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(program, "services", no_services)
    monkeypatch.setattr(program, "build", lambda *_: tmp_path)
    monkeypatch.setattr(report, "FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["bench"])
    return tmp_path


def use(monkeypatch: pytest.MonkeyPatch, *sections: SimpleNamespace) -> None:
    monkeypatch.setattr(program, "SECTIONS", {one.TITLE.lower(): one for one in sections})


@pytest.mark.parametrize(
    ("failing", "why"),
    [(BROKEN, "Opens: KeyError"), (REFUSED, "Rooms: too few files")],
    ids=["a defect", "no figure"],
)
def test_a_section_that_fails_leaves_the_others_their_rows(
    failing: SimpleNamespace, why: str, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, failing, WELL)
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 1
    entries = json.loads((written / "results.json").read_text())
    assert [(one["section"], one["ours"], one["met"]) for one in entries] == [
        (failing.TITLE.lower(), None, None),
        ("sends", 9, True),
    ]
    told = (written / "RESULTS.md").read_text()
    assert f"- {why}\n" in told
    assert "no figure" in told


def test_a_whole_run_ends_well(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, WELL)
    program.main()
    assert "1 of 1 targets are reached" in (written / "RESULTS.md").read_text()


def test_a_peer_without_a_figure_is_no_whole_run(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, HALF, WELL)
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 1


@pytest.mark.parametrize("given", [["--quick"], ["--only", "sends"]])
def test_a_part_of_it_writes_nothing(given: list[str], written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, WELL, HALF)
    monkeypatch.setattr("sys.argv", ["bench", *given])
    if given == ["--quick"]:
        use(monkeypatch, WELL)
    program.main()
    assert list(written.iterdir()) == []


def test_a_side_that_failed_leaves_its_cells_empty() -> None:
    served = Served(OURS, 9_000, 1, 2, 1, 0, 1 << 20, 100 << 20)
    for taken, ours, theirs in [([served], 9_000, None), ([replace(served, side=GUNICORN)], None, 9_000), ([], None, None)]:
        rate, memory = config._rows(taken)
        assert (rate.ours, rate.peer) == (ours, theirs)
        assert (memory.is_whole, rate.is_whole) == (False, False)
