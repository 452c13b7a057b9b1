"""The index of usage, against looking through all events."""

import random
from decimal import Decimal
from typing import Any

import pytest

from billing.sandbox import usage
from billing.sandbox.state import State

HOUR = 3600


def a_state(formula: str) -> State:
    state = State()
    state.put("billing.meter", {"id": "m", "event_name": "e", "status": "active", "default_aggregation": {"formula": formula}})
    return state


def moment(dice: random.Random) -> int:
    """A second, as often as not of a whole hour."""
    second = dice.randrange(7 * HOUR)
    return dice.choice([second, second // HOUR * HOUR])


def slow(state: State, formula: str, customer: str, start: int, end: int) -> Decimal:
    """The same by the definition."""
    rows = [
        row
        for row in state.table("_meter_event").values()
        if row["customer"] == customer
        and start <= row["timestamp"] < end
        and not row.get("cancelled")
        and not row.get("rejected")
    ]
    if formula == "count":
        return Decimal(len(rows))
    if formula == "last":
        rows = sorted(rows, key=lambda row: row["timestamp"])[-1:]
    return max(Decimal(sum(int(row["value"]) for row in rows)), Decimal(0))


@pytest.mark.parametrize("formula", ["sum", "count", "last"])
@pytest.mark.parametrize("seed", range(5))
def test_the_index_knows_what_looking_through_all_would_find(formula: str, seed: int) -> None:
    dice = random.Random(seed)
    state = a_state(formula)
    for number in range(300):
        event: dict[str, Any] = {
            "id": f"{number}",
            "identifier": f"{number}",
            "event_name": "e",
            "meter": "m",
            "customer": dice.choice("ab"),
            "timestamp": dice.randrange(6 * HOUR),
            "value": str(dice.randrange(-5, 20)),
        }
        usage.add(state, event | ({"rejected": "archived_meter"} if dice.random() < 0.1 else {}))
        if dice.random() < 0.1:
            cancelled = usage.by_identifier(state, f"{dice.randrange(number + 1)}")
            assert cancelled is not None
            usage.cancel(state, cancelled)

    again = State()
    again.load((kind, row) for kind in ("billing.meter", "_meter_event") for row in state.table(kind).values())
    for _ in range(200):
        start, end = sorted((moment(dice), moment(dice)))
        for known in (state, again):
            assert usage.total(known, "m", "a", start, end) == slow(state, formula, "a", start, end)


def test_a_period_has_its_first_second_and_not_its_end() -> None:
    state = a_state("sum")
    for at in (99, 100, 199, 200):
        usage.add(state, {"id": f"{at}", "identifier": f"{at}", "meter": "m", "customer": "a", "timestamp": at, "value": "1"})

    assert usage.total(state, "m", "a", 100, 200) == 2
