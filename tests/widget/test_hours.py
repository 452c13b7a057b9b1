"""A site's hours as pages and panels are told of them: how it stands, and when that changes."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from chat.services.sites import change_site
from tenants.context import TenantRef
from tests.support.talk import embed_key
from tests.support.widgets import Widget
from widget import views

DAILY = [[["09:00", "17:00"]]] * 7
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def site(shop: TenantRef, widget: Widget) -> Widget:
    """A site that is open from nine to five in UTC."""
    change_site(shop, embed_key(shop).site_id, time_zone="Etc/UTC", hours=DAILY)
    return widget


def at(moment: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: moment)


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def test_a_site_without_hours_says_nothing_of_them(widget: Widget) -> None:
    assert "hours" not in widget.get("config").json()


def test_what_is_told_carries_the_changes_to_come(site: Widget, monkeypatch: pytest.MonkeyPatch) -> None:
    at(NOON, monkeypatch)
    said = site.get("config").json()["hours"]
    assert said["open"] is True
    assert said["changes"][:2] == [milliseconds(NOON + timedelta(hours=5)), milliseconds(NOON + timedelta(hours=21))]


@pytest.mark.parametrize(("hour", "is_open"), [(8, False), (9, True), (16, True), (17, False)])
def test_how_it_stands_by_the_hour(site: Widget, monkeypatch: pytest.MonkeyPatch, hour: int, is_open: bool) -> None:
    at(NOON.replace(hour=hour), monkeypatch)
    assert site.get("config").json()["hours"]["open"] is is_open


@pytest.mark.parametrize(("before", "life"), [(timedelta(hours=1), 60), (timedelta(seconds=20), 20), (timedelta(seconds=0.5), 0)])
def test_no_answer_is_kept_past_the_next_change(
    site: Widget, monkeypatch: pytest.MonkeyPatch, before: timedelta, life: int
) -> None:
    at(NOON.replace(hour=17) - before, monkeypatch)
    assert site.get("config").headers["Cache-Control"] == f"public, max-age={life}"


@pytest.mark.parametrize(("hour", "is_online"), [(12, True), (20, False)])
def test_outside_of_the_hours_nobody_is_online(site: Widget, monkeypatch: pytest.MonkeyPatch, hour: int, is_online: bool) -> None:
    monkeypatch.setattr(views, "agents_here", lambda _tenant: 1)
    at(NOON.replace(hour=hour), monkeypatch)
    assert site.get("config").json()["online"] is is_online


def test_the_panel_starts_from_the_same(site: Widget) -> None:
    found = re.search(r'<script id="boot" type="application/json">(.*?)</script>', site.get("frame").content.decode(), re.S)
    assert found
    boot: Any = json.loads(found[1])
    assert boot["hours"]["changes"][0] > milliseconds(timezone.now())


def test_another_time_zone_is_followed_at_once(shop: TenantRef, site: Widget, monkeypatch: pytest.MonkeyPatch) -> None:
    at(NOON, monkeypatch)
    change_site(shop, embed_key(shop).site_id, time_zone="Pacific/Auckland")  # one in the night there
    assert site.get("config").json()["hours"]["open"] is False
    change_site(shop, embed_key(shop).site_id, time_zone="")
    assert "hours" not in site.get("config").json()
