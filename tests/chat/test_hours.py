"""When a site is open: by the wall clock of its own time zone, through the nights on which that is changed."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chat.hours import (
    DAYS,
    Hours,
    Outlook,
    clean_holidays,
    clean_week,
    clean_zone,
    hours_of,
    outlook,
    read_holidays,
    write_holidays,
)
from saas.core.errors import BadFrame

OFFICE = [[["09:00", "17:00"]]] * 5 + [[], []]
WARSAW = "Europe/Warsaw"  # UTC+1, in summer UTC+2
MINUTE = timedelta(minutes=1)


def at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)  # type: ignore[misc,arg-type]


def seen(hours: Hours, *moment: int) -> Outlook:
    return outlook(hours, at(*moment))


def test_without_a_time_zone_no_hours_are_kept() -> None:
    assert outlook(hours_of("", OFFICE, []), at(2026, 11, 29)) == Outlook(is_open=True, changes=())


def test_it_opens_and_closes_at_the_minute() -> None:
    hours = hours_of(WARSAW, OFFICE, [])
    opening, closing = at(2026, 11, 30, 8), at(2026, 11, 30, 16)  # a Monday in winter
    assert [outlook(hours, when).is_open for when in (opening - MINUTE, opening, closing - MINUTE, closing)] == [
        False,
        True,
        True,
        False,
    ]


def test_what_comes_is_told_soonest_first_for_two_weeks() -> None:
    found = seen(hours_of(WARSAW, OFFICE, []), 2026, 11, 28, 12)  # a Saturday
    assert found.changes[:4] == (at(2026, 11, 30, 8), at(2026, 11, 30, 16), at(2026, 12, 1, 8), at(2026, 12, 1, 16))
    assert len(found.changes) == 2 * 10
    assert found.changes == tuple(sorted(found.changes))


@pytest.mark.parametrize(
    ("zone", "moment", "is_open"),
    [
        ("Pacific/Auckland", (2026, 11, 29, 20), True),  # Monday, 9 in the morning
        ("America/Los_Angeles", (2026, 11, 30, 16, 59), False),
        ("America/Los_Angeles", (2026, 11, 30, 17), True),
        ("Asia/Kolkata", (2026, 11, 30, 3, 30), True),  # half hours
        ("Pacific/Kiritimati", (2026, 11, 29, 19), True),  # UTC+14
    ],
)
def test_the_hours_are_those_of_the_zone(zone: str, moment: tuple[int, ...], is_open: bool) -> None:
    assert seen(hours_of(zone, OFFICE, []), *moment).is_open is is_open


class TestClocksThatChange:
    """In Warsaw on 29 March 2026 two o'clock is three; on 25 October three o'clock is two once more."""

    def test_nine_is_nine_before_and_after(self) -> None:
        hours = hours_of(WARSAW, [[["09:00", "17:00"]]] * 7, [])
        spring = seen(hours, 2026, 3, 28, 0).changes
        assert spring[:4] == (at(2026, 3, 28, 8), at(2026, 3, 28, 16), at(2026, 3, 29, 7), at(2026, 3, 29, 15))
        autumn = seen(hours, 2026, 10, 24, 0).changes
        assert autumn[:4] == (at(2026, 10, 24, 7), at(2026, 10, 24, 15), at(2026, 10, 25, 8), at(2026, 10, 25, 16))

    def test_the_night_has_seven_hours_or_nine(self) -> None:
        hours = hours_of(WARSAW, [[["00:00", "06:00"], ["22:00", "24:00"]]] * 7, [])
        for evening, length in (((2026, 3, 28, 21), 7), ((2026, 10, 24, 20), 9), ((2026, 6, 1, 20), 8)):
            opening = at(*evening)
            assert outlook(hours, opening).is_open
            assert outlook(hours, opening).next_change == opening + timedelta(hours=length)

    def test_an_hour_that_comes_twice_is_open_twice(self) -> None:
        hours = hours_of(WARSAW, [[["02:15", "02:45"]]] * 7, [])
        changes = seen(hours, 2026, 10, 24, 12).changes
        assert changes[:2] == (at(2026, 10, 25, 0, 15), at(2026, 10, 25, 1, 45))

    def test_an_opening_that_the_clocks_jump_over_comes_as_far_behind_the_jump(self) -> None:
        hours = hours_of(WARSAW, [[["02:30", "05:00"]]] * 7, [])
        assert seen(hours, 2026, 3, 28, 12).changes[:2] == (at(2026, 3, 29, 1, 30), at(2026, 3, 29, 3))

    def test_a_span_that_they_swallow_is_no_span(self) -> None:
        hours = hours_of(WARSAW, [[["02:30", "03:00"]]] * 7, [])
        changes = seen(hours, 2026, 3, 28, 12).changes
        assert changes[0] == at(2026, 3, 30, 0, 30)
        assert not outlook(hours, at(2026, 3, 29, 1, 15)).is_open


def test_what_touches_at_midnight_is_one() -> None:
    hours = hours_of("UTC", [[["00:00", "24:00"]]] * 7, [])
    assert outlook(hours, at(2026, 11, 28)) == Outlook(is_open=True, changes=())


def test_a_week_of_closed_days_never_opens() -> None:
    assert outlook(hours_of("UTC", [[]] * 7, []), at(2026, 11, 28)) == Outlook(is_open=False, changes=())


def test_a_special_day_has_hours_of_its_own_or_none() -> None:
    days: list[dict[str, Any]] = [
        {"date": "2026-12-24", "name": "", "spans": [["09:00", "13:00"]]},
        {"date": "2026-12-25", "spans": []},
    ]
    hours = hours_of("UTC", OFFICE, days)
    assert seen(hours, 2026, 12, 23, 18).changes[:4] == (
        at(2026, 12, 24, 9),
        at(2026, 12, 24, 13),
        at(2026, 12, 28, 9),  # Friday is Christmas, and then comes the weekend
        at(2026, 12, 28, 17),
    )


def test_a_special_day_may_open_a_closed_one() -> None:
    hours = hours_of("UTC", OFFICE, [{"date": "2026-11-29", "spans": [["10:00", "12:00"]]}])  # a Sunday
    assert seen(hours, 2026, 11, 29, 11).is_open
    assert hours.special == {date(2026, 11, 29): (("10:00", "12:00"),)}


class TestWhatIsTyped:
    def test_times_are_kept_in_order(self) -> None:
        assert clean_week([[["13:00", "17:00"], ["08:00", "12:00"]], *[[]] * 6])[0] == [["08:00", "12:00"], ["13:00", "17:00"]]

    def test_midnight_ends_a_day(self) -> None:
        assert clean_week([[["18:00", "00:00"]], *[[]] * 6])[0] == [["18:00", "24:00"]]

    @pytest.mark.parametrize(
        ("day", "words"),
        [
            ([["9", "17:00"]], "'9' is no time of day"),
            ([["24:00", "24:00"]], "'24:00' is no time of day"),
            ([["25:00", "26:00"]], "'25:00' is no time of day"),
            ([["17:00", "09:00"]], "It closes at 09:00, before it opens at 17:00"),
            ([["09:00", "09:00"]], "It closes at 09:00, before it opens at 09:00"),
            ([["09:00"]], "Hours are written like 09:00-17:00"),
            ([["09:00", "12:00"], ["11:00", "13:00"]], "It opens at 11:00 before it has closed at 12:00"),
            ([["01:00", "02:00"]] * 5, "A day has at most 4 spans"),
        ],
    )
    @pytest.mark.parametrize("number", [0, 6])
    def test_a_day_that_makes_no_sense(self, number: int, day: list[list[str]], words: str) -> None:
        week = [day if place == number else [] for place in range(len(DAYS))]
        with pytest.raises(BadFrame, match=words) as refused:
            clean_week(week)
        assert refused.value.field == f"hours.{number}"

    def test_a_week_has_seven_days(self) -> None:
        with pytest.raises(BadFrame, match="not 6"):
            clean_week([[]] * 6)

    @pytest.mark.parametrize("zone", ["Warsaw", "UTC+1", "../../etc/passwd", "x" * 500])
    def test_a_zone_that_nobody_knows(self, zone: str) -> None:
        with pytest.raises(BadFrame, match="is no time zone") as refused:
            clean_zone(zone)
        assert refused.value.field == "time_zone"

    def test_days_as_they_are_written_and_read(self) -> None:
        text = "2026-12-25 Christmas Day\n2026-12-24 09:00-12:00,13:00-15:00 Christmas Eve\n2027-01-01"
        kept = clean_holidays(read_holidays(f"{text}\n\n"))
        assert kept == [
            {"date": "2026-12-24", "name": "Christmas Eve", "spans": [["09:00", "12:00"], ["13:00", "15:00"]]},
            {"date": "2026-12-25", "name": "Christmas Day", "spans": []},
            {"date": "2027-01-01", "name": "", "spans": []},
        ]
        assert read_holidays(write_holidays(kept)) == kept

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("Christmas", "'Christmas' is no date"),
            ("2026-02-30", "'2026-02-30' is no date"),
            ("25.12.2026", "'25.12.2026' is no date"),
            ("2026-12-25\n2026-12-25 again", "2026-12-25 stands there twice"),
            ("2026-12-24 15:00-13:00", "It closes at 13:00, before it opens at 15:00"),
        ],
    )
    def test_a_day_that_is_none(self, line: str, words: str) -> None:
        with pytest.raises(BadFrame, match=words) as refused:
            clean_holidays(read_holidays(line))
        assert refused.value.field == "holidays"
