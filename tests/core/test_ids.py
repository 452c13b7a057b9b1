"""Identifiers sort by the time of their birth, and every one is another."""

import time
from datetime import UTC, datetime
from uuid import RFC_4122

import pytest

from saas.core.ids import uuid7, uuid7_floor


def test_it_is_a_uuid_of_version_7() -> None:
    made = uuid7()
    assert (made.version, made.variant) == (7, RFC_4122)


def test_it_tells_its_milliseconds() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7().int >> 80
    assert before <= made <= time.time_ns() // 1_000_000


def test_the_younger_sorts_after_the_older_within_a_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([1_700_000_000_000_000_000, 1_700_000_000_000_001_000])
    monkeypatch.setattr(time, "time_ns", lambda: next(moments))
    assert uuid7() < uuid7()


def test_no_two_are_the_same() -> None:
    assert len({uuid7() for _ in range(10_000)}) == 10_000


def test_the_floor_of_a_moment_is_below_what_was_born_in_it() -> None:
    now = datetime.now(UTC)
    assert uuid7_floor(now) <= uuid7()
    assert uuid7_floor(now).int >> 80 == int(now.timestamp() * 1000)
