"""Periods: months from an anchor in UTC, by Python and by PostgreSQL alike."""

from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from billing.models import BillingAccount
from billing.periods import Period, period_from, period_of, periods_of
from saas.core.errors import NotFound
from saas.core.ids import uuid7_floor
from tests.support.cast import MakeTenant

DICE = Random("periods")
TWENTY_YEARS = int(timedelta(days=7_305) / timedelta(microseconds=1))


def any_moment() -> datetime:
    return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(microseconds=DICE.randrange(TWENTY_YEARS))


PAIRS = [(any_moment(), any_moment()) for _ in range(500)]


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def by_sql(anchor: datetime, moment: datetime) -> Period:
    with connection.cursor() as cursor:
        cursor.execute("SELECT period_start, period_end FROM public.period_from(%s, %s)", [anchor, moment])
        return Period(*cursor.fetchone())


@pytest.mark.parametrize(
    ("moment", "start", "end"),
    [
        (at(2027, 1, 31, 9), at(2027, 1, 31, 9), at(2027, 2, 28, 9)),
        (at(2027, 2, 28, 8, 59, 59), at(2027, 1, 31, 9), at(2027, 2, 28, 9)),
        (at(2027, 2, 28, 9), at(2027, 2, 28, 9), at(2027, 3, 31, 9)),
        (at(2027, 3, 30, 9), at(2027, 2, 28, 9), at(2027, 3, 31, 9)),
        (at(2027, 4, 30, 9), at(2027, 4, 30, 9), at(2027, 5, 31, 9)),
        (at(2028, 2, 29, 9), at(2028, 2, 29, 9), at(2028, 3, 31, 9)),
        (at(2026, 12, 31, 8), at(2026, 11, 30, 9), at(2026, 12, 31, 9)),  # before the anchor, too
    ],
)
def test_the_31st_stays_the_31st_where_a_month_has_one(moment: datetime, start: datetime, end: datetime) -> None:
    assert period_from(at(2027, 1, 31, 9), moment) == Period(start, end)


def test_python_and_postgresql_find_the_same_period_and_the_moment_lies_in_it() -> None:
    for anchor, moment in PAIRS:
        period = period_from(anchor, moment)
        assert moment in period
        assert by_sql(anchor, moment) == period


def test_periods_touch_and_do_not_overlap() -> None:
    for anchor, moment in PAIRS:
        period = period_from(anchor, moment)
        assert period_from(anchor, period.end).start == period.end
        assert period_from(anchor, period.start - timedelta(microseconds=1)).end == period.start


def test_a_moment_is_the_same_in_every_time_zone() -> None:
    kiritimati, midway = timezone(timedelta(hours=14)), timezone(timedelta(hours=-11))
    anchor, moment = at(2027, 1, 31), at(2027, 2, 28)
    assert period_from(anchor.astimezone(kiritimati), moment.astimezone(midway)) == period_from(anchor, moment)


def test_the_lowest_id_of_a_moment_is_the_same_in_python_and_postgresql() -> None:
    moments = [moment for _, moment in PAIRS]
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.uuid7_floor(moment) FROM unnest(%s::timestamptz[]) AS moment", [moments])
        assert [found for (found,) in cursor.fetchall()] == [uuid7_floor(moment) for moment in moments]


def test_a_new_tenants_periods_begin_with_the_second_in_which_it_came(make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    anchor = BillingAccount.objects.get(pk=tenant.id).anchor
    assert anchor.microsecond == 0
    assert timedelta(0) <= datetime.now(UTC) - anchor < timedelta(minutes=5)
    assert period_of(tenant.id) == period_from(anchor, anchor)


def test_many_tenants_periods_take_one_statement(make_tenant: MakeTenant, django_assert_num_queries: Any) -> None:
    tenants, moment = [make_tenant(), make_tenant()], at(2027, 6, 15)
    with django_assert_num_queries(1):
        found = periods_of([tenant.id for tenant in tenants], moment)
    assert found == {tenant.id: period_of(tenant.id, moment) for tenant in tenants}


def test_there_is_no_period_of_nobody() -> None:
    nobody = uuid4()
    assert periods_of([nobody]) == {}
    with pytest.raises(NotFound, match=str(nobody)):
        period_of(nobody)
