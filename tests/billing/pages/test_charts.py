"""The geometry of a meter's curve, and the words of its gauge."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from billing.charts import PLOT, TOP, WIDTH, cumulative, sums
from billing.models import Meter
from billing.plans import FREE, TEAM, Allowance
from billing.selectors.gauges import Gauge, gauges, size
from billing.selectors.usage import Day

FIRST = date(2026, 11, 1)


def days(*quantities: int) -> list[Day]:
    return [Day(FIRST + timedelta(days=place), quantity) for place, quantity in enumerate(quantities)]


def points(text: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (point.split(",") for point in text.split())]


def test_days_add_up() -> None:
    assert [one.so_far for one in sums(days(3, 0, 4))] == [3, 3, 7]


def test_the_curve_begins_on_the_ground_and_never_falls() -> None:
    chart = cumulative(days(30, 0, 60), last=FIRST + timedelta(days=9), included=100, projected=300)
    line = points(chart.line)
    assert line[0] == (0, PLOT)
    assert [x for x, _ in line] == pytest.approx([0, WIDTH / 10, WIDTH / 5, 3 * WIDTH / 10])
    assert all(after <= before for (_, before), (_, after) in pairwise(line))


def test_the_projection_leads_from_today_to_the_periods_end() -> None:
    chart = cumulative(days(10), last=FIRST + timedelta(days=9), included=100, projected=100)
    here, there = points(chart.ahead)
    assert here == points(chart.line)[-1]
    assert there[0] == WIDTH
    assert there[1] + TOP == chart.limit.y, "what comes to what is included ends on its line"


def test_a_period_that_is_over_has_no_projection() -> None:
    assert cumulative(days(*[1] * 10), last=FIRST + timedelta(days=9), included=100).ahead == ""


@pytest.mark.parametrize("used", [0, 1, 99, 100_000_000])
def test_everything_stays_inside_whatever_was_used(used: int) -> None:
    chart = cumulative(days(used), last=FIRST + timedelta(days=29), included=1_000, projected=2 * used)
    drawn = [*points(chart.line), *points(chart.ahead)]
    assert all(0 <= x <= WIDTH and 0 <= y <= PLOT for x, y in drawn)
    assert 1 <= len(chart.grid) <= 5
    assert TOP <= chart.limit.y <= TOP + PLOT


@pytest.mark.parametrize(
    ("used", "state"), [(0, "low"), (799, "low"), (800, "near"), (999, "near"), (1_000, "over"), (9_999, "over")]
)
def test_a_gauge_says_how_near_the_end_is(used: int, state: str) -> None:
    assert Gauge(Meter.MESSAGE, used, Allowance(1_000, Decimal("0.4")), "usd").state == state


def test_a_gauge_of_free_is_full_and_costs_nothing() -> None:
    (message, *_) = gauges(FREE, dict.fromkeys(Meter, 5_000))
    assert (message.state, message.cost, message.price_words) == ("full", 0, "")


def test_a_trial_stops_where_the_plan_would_bill() -> None:
    used = dict.fromkeys(Meter, 1_300)
    assert gauges(TEAM, used)[0].cost == 1_20
    assert (gauges(TEAM, used, is_trial=True)[0].state, gauges(TEAM, used, is_trial=True)[0].cost) == ("full", 0)


def test_a_price_has_all_its_digits() -> None:
    assert gauges(TEAM, dict.fromkeys(Meter, 0))[0].price_words == "$0.004 per message"


@pytest.mark.parametrize(("megabytes", "words"), [(100, "100 MB"), (5_000, "5 GB"), (1_500, "1.5 GB"), (50_000, "50 GB")])
def test_sizes_are_for_people(megabytes: int, words: str) -> None:
    assert size(megabytes) == words
