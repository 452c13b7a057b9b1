"""The page of results: what counts as reached, and what is said of the rest."""

from pathlib import Path

import pytest

from bench.measure import Figures, Plan
from bench.page import Result, page
from bench.report import Goal, Row, table

PLAN = Plan(rounds=1, few=1, many=1, seconds=1, warm_up=1, minutes=1)


@pytest.mark.parametrize(
    ("row", "met"),
    [
        pytest.param(Row("sends", "messages/s", 140, "ws", 100, Goal("times", 1.4)), True, id="as many times"),
        pytest.param(Row("sends", "messages/s", 139, "ws", 100, Goal("times", 1.4)), False, id="too few times"),
        pytest.param(Row("p50", "ms", 50, "ws", 100, Goal("times", 2), less_is_better=True), True, id="half as long"),
        pytest.param(Row("p50", "ms", 5, goal=Goal("at_most", 5)), True, id="just as much"),
        pytest.param(Row("p50", "ms", 5.1, goal=Goal("at_most", 5)), False, id="too much"),
        pytest.param(Row("opens", "sockets/s", 1_499, goal=Goal("at_least", 1_500)), False, id="too few"),
        pytest.param(Row("opens", "sockets/s", 1), None, id="no target"),
        pytest.param(Row("opens", "sockets/s", None, goal=Goal("at_least", 1_500)), False, id="not measured"),
        pytest.param(Row("sends", "messages/s", 140, "ws", None, Goal("times", 1.4)), False, id="no peer"),
    ],
)
def test_a_target_is_met_or_not(row: Row, met: bool | None) -> None:
    assert row.is_met is met
    assert row.as_json()["met"] is met


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        pytest.param(Row("opens", "sockets/s", None), "no figure", id="not measured"),
        pytest.param(Row("opens", "sockets/s", None, goal=Goal("at_least", 1)), "no figure", id="not measured, with a target"),
        pytest.param(Row("sends", "messages/s", 140, "ws", None, Goal("times", 1.4)), "no figure", id="a ratio to nothing"),
        pytest.param(Row("p99", "ms", 9, "ws", None, Goal("at_most", 5)), "MISSED", id="the peer is not needed"),
        pytest.param(Row("p99", "ms", 4, goal=Goal("at_most", 5)), "reached", id="reached"),
        pytest.param(Row("p99", "ms", 4), "", id="no target"),
    ],
)
def test_the_verdict_needs_its_figures(row: Row, verdict: str) -> None:
    assert row.verdict == verdict


def test_nothing_refused_is_no_division() -> None:
    assert Row("refused", "messages", 0, "ws", 0, less_is_better=True).ratio is None


def test_a_row_without_a_peer_has_no_ratio() -> None:
    row = Row("opens", "sockets/s", 1_234.5678)
    assert row.as_json() == {
        "name": "opens",
        "ours": 1235,
        "peer": None,
        "ratio": None,
        "unit": "sockets/s",
        "beside": "",
        "target": None,
        "met": None,
    }
    assert "1,235" in table([row])


def test_the_page_names_what_is_missed_and_what_has_no_figure() -> None:
    missed = Row("latency", "ms", 9, goal=Goal("at_most", 5))
    result = Result("Latency", "As it is.\n", Figures([missed], "runs"))
    told = page([result], PLAN, {"date": "today"}, ["nchan: not here"])
    assert "0 of 1 targets are reached" in told
    assert "| MISSED" in told
    assert "- **latency**: not looked into" in told
    assert "- nchan: not here\n" in told


def test_a_cause_is_told_beside_its_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    causes = tmp_path / "causes.toml"
    causes.write_text('"sends, beside ws" = "The lock."\nsends = "Something else."\n')
    monkeypatch.setattr("bench.page.CAUSES", causes)
    rows = [Row("sends", "messages/s", 1, peer, 100, Goal("times", 1)) for peer in ("ws", "plain")]
    told = page([Result("Sends", "So.\n", Figures(rows, "runs"))], PLAN, {"date": "today"}, [])
    assert "- **sends, beside ws**: The lock.\n" in told
    assert "- **sends, beside plain**: Something else.\n" in told


def test_the_table_of_targets_stands_before_everything_else() -> None:
    rows = [Row("latency", "ms", 4, goal=Goal("at_most", 5)), Row("memory", "MiB", 9)]
    told = page([Result("Latency", "As it is.\n", Figures(rows, "runs"))], PLAN, {"date": "today"}, [])
    assert told.index("| latency") < told.index("## How to read it") < told.index("| memory")
    assert "missed" not in told
