"""When a site is open: hours of the week in its own time zone, and the days on which others hold. Pure.

A time of day belongs to the wall clock. One that the clocks jump over is as far behind the jump as it was meant to be, and of one
that comes twice an opening is the first, a closing the second: who is here at that hour stays.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from saas.core.errors import BadFrame

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_SPANS: Final = 4  # of one day
MOST_HOLIDAYS: Final = 100
LONGEST_NAME: Final = 60  # characters of a holiday's
AHEAD: Final = timedelta(days=15)  # for which a widget is told what comes
MIDNIGHT: Final = "24:00"
_TIME: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")

Span = tuple[str, str]  # from, to: "09:00", "17:00"; the end of a day is "24:00"
Week = tuple[tuple[Span, ...], ...]  # from Monday on


@dataclass(frozen=True, slots=True)
class Hours:
    """A site's hours. Without a time zone none are kept: it is open whenever somebody is here."""

    zone: str = ""
    week: Week = ()
    special: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)  # days on which other hours hold than the week's

    @property
    def are_kept(self) -> bool:
        return bool(self.zone)


@dataclass(frozen=True, slots=True)
class Outlook:
    """Whether a site is open at a moment, and when that changes, soonest first."""

    is_open: bool
    changes: tuple[datetime, ...]  # in UTC

    @property
    def next_change(self) -> datetime | None:
        return self.changes[0] if self.changes else None


def outlook(hours: Hours, at: datetime) -> Outlook:
    """How it stands at this moment and in the days after it."""
    if not hours.are_kept:
        return Outlook(is_open=True, changes=())
    open_times = list(_joined(_open_times(hours, at)))
    changes = tuple(moment for pair in open_times for moment in pair if at < moment <= at + AHEAD)
    return Outlook(is_open=any(start <= at < end for start, end in open_times), changes=changes)


def hours_of(zone: str, week: Sequence[Sequence[Sequence[str]]], holidays: Sequence[Mapping[str, Any]]) -> Hours:
    """The hours that a site's row holds."""
    if not zone:
        return Hours()
    special = {date.fromisoformat(one["date"]): _pairs(one.get("spans", ())) for one in holidays}
    return Hours(zone, tuple(_pairs(day) for day in week), special)


def clean_zone(zone: str) -> str:
    """The name of a time zone, or nothing. Raises BadFrame with field `time_zone`."""
    if zone and zone not in available_timezones():
        raise BadFrame(f"{zone[:80]!r} is no time zone. One is written like Europe/Warsaw.", field="time_zone")
    return zone


def clean_week(week: Sequence[Sequence[Sequence[str]]]) -> list[list[list[str]]]:
    """Seven days as they are stored. Raises BadFrame, with field `hours.0` to `hours.6` for a day that is wrong."""
    if len(week) not in (0, len(DAYS)):
        raise BadFrame(f"A week has seven days, not {len(week)}.", field="hours")
    return [clean_day(day, f"hours.{number}") for number, day in enumerate(week)]


def clean_holidays(holidays: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The days as they are stored, by date. Raises BadFrame with field `holidays`."""
    if len(holidays) > MOST_HOLIDAYS:
        raise BadFrame(f"There are {len(holidays)} days; {MOST_HOLIDAYS} is the most.", field="holidays")
    cleaned = sorted((_clean_holiday(one) for one in holidays), key=lambda one: str(one["date"]))
    for one, other in pairwise(cleaned):
        if one["date"] == other["date"]:
            raise BadFrame(f"{one['date']} stands there twice.", field="holidays")
    return cleaned


def read_holidays(text: str) -> list[dict[str, Any]]:
    """What a person typed, a day on each line: `2026-12-24 09:00-13:00 Christmas Eve`. Raises BadFrame that quotes the line."""
    return [_read_line(line) for line in text.splitlines() if line.strip()]


def write_holidays(holidays: Sequence[Mapping[str, Any]]) -> str:
    """The same the other way round."""
    return "\n".join(" ".join(part for part in _parts(one) if part) for one in holidays)


def _parts(one: Mapping[str, Any]) -> tuple[str, str, str]:
    return one["date"], ",".join("-".join(span) for span in one.get("spans", ())), one.get("name", "")


def _read_line(line: str) -> dict[str, Any]:
    day, _, rest = line.strip().partition(" ")
    first, _, name = rest.strip().partition(" ")
    if not first[:1].isdigit() or "-" not in first:
        return {"date": day, "name": rest, "spans": []}
    return {"date": day, "name": name, "spans": [span.split("-", 1) for span in first.split(",")]}


def _clean_holiday(one: Mapping[str, Any]) -> dict[str, Any]:
    name = " ".join(str(one.get("name", "")).split())[:LONGEST_NAME]
    try:
        day = date.fromisoformat(str(one["date"])).isoformat()
    except (KeyError, ValueError):
        shown = str(one.get("date", ""))[:40]
        raise BadFrame(f"{shown!r} is no date. One is written like 2026-12-25.", field="holidays") from None
    return {"date": day, "name": name, "spans": clean_day(one.get("spans", ()), "holidays")}


def clean_day(day: Sequence[Sequence[str]], name: str = "hours") -> list[list[str]]:
    """One day's spans in order. Raises BadFrame with this name as its field."""
    if len(day) > MOST_SPANS:
        raise BadFrame(f"A day has at most {MOST_SPANS} spans.", field=name)
    spans = sorted(_clean_span(span, name) for span in day)
    for (_, end), (start, _) in pairwise(spans):
        if start < end:
            raise BadFrame(f"It opens at {start} before it has closed at {end}.", field=name)
    return [list(span) for span in spans]


def _clean_span(span: Sequence[str], name: str) -> Span:
    if len(span) != 2:
        raise BadFrame("Hours are written like 09:00-17:00.", field=name)
    start, end = (str(part).strip() for part in span)
    end = MIDNIGHT if end == "00:00" else end
    for moment, is_right in ((start, _TIME.fullmatch(start)), (end, end == MIDNIGHT or _TIME.fullmatch(end))):
        if not is_right:
            raise BadFrame(f"{moment[:20]!r} is no time of day. One is written like 09:00.", field=name)
    if start >= end:
        raise BadFrame(f"It closes at {end}, before it opens at {start}. Past midnight is the next day's.", field=name)
    return start, end


def _open_times(hours: Hours, at: datetime) -> Iterator[tuple[datetime, datetime]]:
    """From yesterday on, and one day further than is told."""
    zone = ZoneInfo(hours.zone)
    today = at.astimezone(zone).date()
    for number in range(-1, AHEAD.days + 2):
        day = today + timedelta(days=number)
        for start, end in hours.special.get(day, hours.week[day.weekday()] if hours.week else ()):
            opens, closes = _moment(day, start, zone, fold=0), _moment(day, end, zone, fold=1)
            if opens < closes:  # else the clocks have jumped over it
                yield opens, closes


def _joined(spans: Iterator[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """What touches is one: a site that is open through midnight does not close there."""
    last: tuple[datetime, datetime] | None = None
    for start, end in spans:
        if last is not None and start <= last[1]:
            last = (last[0], max(last[1], end))
            continue
        if last is not None:
            yield last
        last = (start, end)
    if last is not None:
        yield last


def _moment(day: date, at: str, zone: ZoneInfo, *, fold: int) -> datetime:
    if at == MIDNIGHT:
        day, at = day + timedelta(days=1), "00:00"
    local = datetime.combine(day, time.fromisoformat(at), zone)
    first, second = local.replace(fold=0).astimezone(UTC), local.replace(fold=fold).astimezone(UTC)
    return max(first, second)


def _pairs(spans: Sequence[Sequence[str]]) -> tuple[Span, ...]:
    return tuple((span[0], span[1]) for span in spans)
