"""The page of results: what counts as reached, and what is said of the rest."""

import pytest

from bench.measure import Figures, Plan
from bench.page import Result, page
from bench.report import Goal, Row, table

PLAN = Plan(rounds=1, few=1, seconds=1, warm_up=1, minutes=1)


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
    ],
)
def test_a_target_is_met_or_not(row: Row, met: bool | None) -> None:
    assert row.is_met is met
    assert row.as_json()["met"] is met


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
    assert "| MISSED" in told
    assert "- latency, ms: " in told
    assert "- nchan: not here\n" in told
    assert "Every target is met" not in told
