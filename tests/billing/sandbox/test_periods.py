"""Where the stand-in's periods begin and end."""

import random
from datetime import UTC, datetime

import pytest

from billing.sandbox.periods import Interval, bound, day, period_at

MONTH, YEAR = Interval("month"), Interval("year")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def shown(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M")


def test_an_anchor_on_day_31_comes_back_to_it_after_short_months() -> None:
    anchor = at("2026-10-31 17:20")
    bounds = [shown(bound(anchor, MONTH, steps))[:10] for steps in range(6)]
    assert bounds == ["2026-10-31", "2026-11-30", "2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31"]


def test_a_leap_day_comes_back_every_fourth_year() -> None:
    anchor = at("2028-02-29 00:00")
    assert [shown(bound(anchor, YEAR, steps))[:10] for steps in (1, 3, 4)] == ["2029-02-28", "2031-02-28", "2032-02-29"]


@pytest.mark.parametrize(
    ("moment", "start"),
    [("2027-02-28 17:19", "2027-01-31"), ("2027-02-28 17:20", "2027-02-28"), ("2026-09-30 17:20", "2026-09-30")],
)
def test_the_second_of_a_bound_belongs_to_the_later_period(moment: str, start: str) -> None:
    assert shown(period_at(at("2026-10-31 17:20"), MONTH, at(moment))[0])[:10] == start


@pytest.mark.parametrize("seed", range(80))
def test_every_moment_lies_in_one_period(seed: int) -> None:
    dice = random.Random(seed)
    anchor, moment = dice.randint(0, 2_000_000_000), dice.randint(0, 2_000_000_000)
    interval = Interval(dice.choice(["day", "week", "month", "year"]), dice.randint(1, 4))
    start, end = period_at(anchor, interval, moment)
    assert start <= moment < end
    assert period_at(anchor, interval, start) == (start, end)
    assert period_at(anchor, interval, end)[0] == end


def test_a_date_is_written_short() -> None:
    assert day(at("2026-11-05 23:59")) == "5 Nov 2026"
