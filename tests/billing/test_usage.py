"""Usage as it is read: by period, by the tenant's own days, row by row; never another tenant's."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from billing.models import Meter
from billing.periods import Period, period_from, period_of
from billing.selectors.usage import daily, platform_since, rows, used, used_many
from tests.support.cast import MakeTenant
from tests.support.usage import account_with, use

SECOND = timedelta(seconds=1)


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "last_day", "first_day"),
    [
        ("Pacific/Kiritimati", date(2026, 3, 1), date(2026, 3, 1)),  # UTC+14
        ("Pacific/Midway", date(2026, 2, 28), date(2026, 2, 28)),  # UTC-11
        ("UTC", date(2026, 2, 28), date(2026, 2, 28)),
    ],
)
def test_a_second_before_the_end_of_a_period_and_at_it(
    zone: str, last_day: date, first_day: date, make_tenant: MakeTenant
) -> None:
    """Acceptance check 7: an anchor on day 31, at noon."""
    tenant = make_tenant()
    anchor = account_with(tenant, anchor=at(2026, 1, 31, 12), time_zone=zone).anchor
    old, new = period_from(anchor, at(2026, 2, 10)), period_from(anchor, at(2026, 3, 10))
    assert old.end == new.start == at(2026, 2, 28, 12)
    assert [period_of(tenant.id, old.end - SECOND), period_of(tenant.id, old.end)] == [old, new]
    use(tenant, old.end - SECOND, old.end, old.end + SECOND)
    assert [used(tenant.id, period)[Meter.MESSAGE] for period in (old, new)] == [1, 2]
    assert [(day.day, day.quantity) for day in daily(tenant.id, Meter.MESSAGE, old) if day.quantity] == [(last_day, 1)]
    assert [(day.day, day.quantity) for day in daily(tenant.id, Meter.MESSAGE, new) if day.quantity] == [(first_day, 2)]


@pytest.mark.parametrize(
    ("day", "midnight", "hours"),
    [
        (date(2026, 3, 29), at(2026, 3, 28, 23), 23),
        (date(2026, 10, 25), at(2026, 10, 24, 22), 25),
        (date(2026, 6, 1), at(2026, 5, 31, 22), 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_make_it(day: date, midnight: datetime, hours: int, make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    account_with(tenant, time_zone="Europe/Berlin")
    end = midnight + timedelta(hours=hours)
    use(tenant, midnight - SECOND, midnight, end - SECOND, end)
    found = {one.day: one.quantity for one in daily(tenant.id, Meter.MESSAGE, Period(at(2026, 1, 1), at(2026, 11, 1)))}
    assert (found[day - timedelta(days=1)], found[day], found[day + timedelta(days=1)]) == (1, 2, 1)


def test_days_of_a_period_are_all_there_up_to_today(make_tenant: MakeTenant) -> None:
    tenant, now = make_tenant(), datetime.now(UTC)
    period = Period(now - timedelta(days=3), now + timedelta(days=3))
    found = daily(tenant.id, Meter.VISITOR, period)
    assert [day.day for day in found] == [(now - timedelta(days=back)).date() for back in (3, 2, 1, 0)]
    assert {day.quantity for day in found} == {0}


def test_many_tenants_are_summed_each_in_its_own_period_by_one_statement(
    make_tenant: MakeTenant, django_assert_num_queries: Any
) -> None:
    one, other = make_tenant(), make_tenant()
    use(one, at(2026, 10, 1), at(2026, 10, 2), at(2026, 11, 5))
    use(one, at(2026, 10, 3), meter=Meter.VISITOR)
    use(other, at(2026, 10, 1), at(2026, 11, 5), at(2026, 11, 6), at(2026, 11, 7))
    periods = {one.id: Period(at(2026, 10, 1), at(2026, 11, 1)), other.id: Period(at(2026, 11, 1), at(2026, 12, 1))}
    with django_assert_num_queries(1):
        found = used_many(periods)
    assert found == {
        one.id: {Meter.MESSAGE: 2, Meter.VISITOR: 1, Meter.STORAGE: 0},
        other.id: {Meter.MESSAGE: 3, Meter.VISITOR: 0, Meter.STORAGE: 0},
    }


def test_rows_come_in_order_and_in_pages(make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    moments = [at(2026, 11, 1, hour) for hour in range(5)]
    sources = use(tenant, *moments)
    start, end = moments[1], moments[4]
    first = rows(tenant.id, Meter.MESSAGE, start=start, end=end, limit=2)
    rest = rows(tenant.id, Meter.MESSAGE, start=start, end=end, after=first[-1].source_id, limit=2)
    assert [row.source_id for row in [*first, *rest]] == sources[1:4]
    assert [(row.occurred_at, row.quantity) for row in first] == [(moments[1], 1), (moments[2], 1)]


def test_nobody_sees_what_another_used(make_tenant: MakeTenant) -> None:
    one, other = make_tenant(), make_tenant()
    period = Period(at(2026, 11, 1), at(2026, 12, 1))
    use(other, at(2026, 11, 2))
    assert used(one.id, period)[Meter.MESSAGE] == 0
    assert not rows(one.id, Meter.MESSAGE, start=period.start, end=period.end, limit=9)
    assert not any(day.quantity for day in daily(one.id, Meter.MESSAGE, period))


def test_staff_see_who_wrote_messages_since_a_moment(make_tenant: MakeTenant) -> None:
    one, other, silent = make_tenant(), make_tenant(), make_tenant()
    since = datetime.now(UTC) - timedelta(hours=1)
    use(one, since, since + SECOND, since - SECOND)
    use(other, since + SECOND)
    use(silent, since + SECOND, meter=Meter.VISITOR)
    found = platform_since(since)
    assert (found[one.id], found[other.id], silent.id in found) == (2, 1, False)
