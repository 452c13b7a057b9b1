"""The audit log as its tenant reads it: filtered, page by page, and as a sheet."""

import csv
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.services.audit import Actor
from billing.services.audit import record as record_money
from saas.core.ids import uuid7
from tenants.audit import Thing, record
from tenants.context import TenantRef
from tenants.models import Membership, User
from tests.support.cast import MakeTenant, make_user
from tests.support.web import Browser, Page

Open = Callable[..., Page]
DAY = timedelta(days=1)


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    """A tenant in which nothing was done but its making."""
    return make_tenant()


@pytest.fixture
def olga(tenant: TenantRef) -> User:
    """Its owner."""
    return User.objects.get(memberships__tenant_id=tenant.id)


@pytest.fixture
def open_log(tenant: TenantRef, olga: User, browser: Browser) -> Open:
    """The owner's log, as it is asked for."""
    browser.sign_in(f"http://{tenant.slug}.localhost:8000/billing/", olga.email)

    def opened(path: str = "/audit/", **query: str) -> Page:
        client: Client = browser.jar(f"{tenant.slug}.localhost:8000")
        return client.get(path, query_params=query)

    return opened


def done(tenant: TenantRef, by: User | None = None, act: str = "room.created", name: str = "", **changes: object) -> Thing:
    """An act on a thing of its own."""
    thing = Thing("room", uuid7(), name or f"Room {uuid4().hex[:8]}")
    record(tenant, by=by, act=act, on=thing, **changes)  # type: ignore[arg-type]
    return thing


def lines(page: Page) -> list[str]:
    """What the page says was done, line by line."""
    found = re.findall(r'<p class="act-line">(.*?)</p>', page.content.decode())
    return [unescape(re.sub(r"<[^>]+>", "", line)) for line in found]


def test_the_newest_stands_first_with_who_and_what(tenant: TenantRef, olga: User, open_log: Open) -> None:
    first, second = done(tenant, olga), done(tenant, None, act="room.archived")
    assert lines(open_log())[:2] == [f"Porchlight archived the room {second.name}", f"Olga made the room {first.name}"]


def test_what_changed_stands_below(tenant: TenantRef, olga: User, open_log: Open) -> None:
    done(tenant, olga, act="room.changed", before={"join_rule": "<open>"}, after={"join_rule": "invited"})
    page = open_log().content.decode()
    assert "<dt>join rule</dt>" in page
    assert "<del>&lt;open&gt;</del>" in page
    assert "<ins>invited</ins>" in page


def test_another_tenants_acts_are_nowhere(tenant: TenantRef, globex: TenantRef, open_log: Open) -> None:
    foreign = done(globex)
    assert foreign.name not in open_log().content.decode()
    assert foreign.name not in open_log(on=str(foreign.id)).content.decode()
    assert foreign.name not in b"".join(open_log("/audit/audit.csv")).decode()


def test_each_filter_keeps_what_it_asks_for(tenant: TenantRef, olga: User, open_log: Open) -> None:
    mine = done(tenant, olga, name="Harbour")
    theirs = done(tenant, None, act="message.pinned", name="Lighthouse")
    assert lines(open_log(by=str(olga.id))) == [f"Olga made the room {mine.name}"]
    assert f"Olga made the room {mine.name}" not in lines(open_log(by="porchlight"))
    assert lines(open_log(act="room.created")) == ["Olga made the room Harbour"]
    assert lines(open_log(act="message")) == ["Porchlight pinned a message in Lighthouse"]
    assert lines(open_log(thing="hARB")) == ["Olga made the room Harbour"]
    assert lines(open_log(on=str(theirs.id))) == ["Porchlight pinned a message in Lighthouse"]


def test_days_are_whole(tenant: TenantRef, open_log: Open) -> None:
    done(tenant, name="Today")
    today = timezone.now().date()
    assert "Porchlight made the room Today" in lines(open_log(since=str(today), until=str(today)))
    assert lines(open_log(until=str(today - DAY))) == []
    assert lines(open_log(since=str(today + DAY))) == []
    assert "Porchlight made the room Today" in lines(open_log(since="2020-01-01", until="2099-12-31"))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"since": "soon"}, "Enter a valid date."),
        ({"act": "room.painted"}, "room.painted is not one of the available choices."),
        ({"by": "nobody"}, "nobody is not one of the available choices."),
        ({"since": "2026-02-02", "until": "2026-02-01"}, "2026-02-01 is before 2026-02-02."),
        ({"since": "0202-01-01"}, "0202-01-01 is not a day from 2020-01-01 to 2099-12-31."),
        ({"since": "1969-12-31"}, "1969-12-31 is not a day from 2020-01-01 to 2099-12-31."),
        ({"until": "0202-01-01"}, "0202-01-01 is not a day from 2020-01-01 to 2099-12-31."),
        ({"until": "9999-12-31"}, "9999-12-31 is not a day from 2020-01-01 to 2099-12-31."),
    ],
)
@pytest.mark.parametrize("path", ["/audit/", "/audit/audit.csv"])
def test_a_wrong_filter_is_named_beside_its_field(open_log: Open, path: str, query: dict[str, str], words: str) -> None:
    answer = open_log(path, **query)
    assert answer.status_code == 422
    assert words in unescape(answer.content.decode())
    assert f'value="{query["since"]}"' in answer.content.decode() if "since" in query else True


def test_who_is_no_member_can_be_asked_for_by_a_link(tenant: TenantRef, open_log: Open) -> None:
    gone = make_user(f"{uuid4().hex[:12]}@left.example", "Lena")
    thing = done(tenant, gone)
    assert lines(open_log(by=str(gone.id))) == [f"Lena made the room {thing.name}"]


def test_what_was_done_with_money_stands_among_the_rest(tenant: TenantRef, olga: User, open_log: Open) -> None:
    before = done(tenant, olga)
    record_money(
        "contact.add", tenant_id=tenant.id, actor=Actor(olga.email, address="203.0.113.7"), after={"email": "b@x.example"}
    )
    after = done(tenant, olga)
    assert lines(open_log(by=str(olga.id)))[:3] == [
        f"Olga made the room {after.name}",
        f"{olga.email} added a billing contact",
        f"Olga made the room {before.name}",
    ]
    assert lines(open_log(act="billing.contact.add")) == [f"{olga.email} added a billing contact"]
    assert all("room" not in line for line in lines(open_log(act="billing")))


def test_staff_are_not_named(tenant: TenantRef, open_log: Open) -> None:
    actor = Actor("sam@porchlight.example", is_staff=True, address="198.51.100.9")
    record_money("support.begin", tenant_id=tenant.id, actor=actor, after={})
    page = open_log(act="billing.support.begin")
    assert lines(page) == ["Porchlight's staff looked in to help"]
    assert "sam@" not in page.content.decode()
    assert "198.51.100.9" not in page.content.decode()


def test_page_by_page_everything_comes_once(tenant: TenantRef, open_log: Open) -> None:
    made = [done(tenant).name for _ in range(120)]
    seen: list[str] = []
    query: dict[str, str] = {"act": "room.created"}
    while query:
        page = open_log(**query)
        seen += lines(page)
        later = re.search(r'href="\?([^"]*)" rel="next"', page.content.decode())
        query = dict(pair.split("=") for pair in unescape(later[1]).split("&")) if later else {}
    assert seen == [f"Porchlight made the room {name}" for name in reversed(made)]


@pytest.mark.usefixtures("nothing_grows_old")
def test_a_page_costs_the_same_queries_however_long_the_log_is(tenant: TenantRef, olga: User, open_log: Open) -> None:
    done(tenant, olga)
    open_log()  # what a process keeps is known from here on
    with CaptureQueriesContext(connection) as few:
        open_log()
    for _ in range(60):
        done(tenant, olga, before={"a": 1}, after={"a": 2})
    Membership.objects.create(tenant_id=tenant.id, user=make_user(f"{uuid4().hex}@x.example", "Mo"), role="agent")
    with CaptureQueriesContext(connection) as many:
        open_log()
    assert len(many) == len(few) <= 9


def test_the_sheet_holds_all_that_is_asked_for(tenant: TenantRef, olga: User, open_log: Open) -> None:
    done(tenant, olga, name="=1+1", before={"title": "A"}, after={"title": "B"})
    done(tenant, olga, act="room.archived")
    answer = open_log("/audit/audit.csv", act="room.created")
    head, *rows = csv.reader(b"".join(answer).decode().splitlines())
    assert answer["Content-Type"].startswith("text/csv")
    assert f"{tenant.slug}-audit-" in answer["Content-Disposition"]
    assert head[:3] == ["When (UTC)", "Who", "What"]
    ((_, who, _, act, kind, name, _, was, now, *_),) = rows
    assert (who, act, kind, name, was, now) == ("Olga", "room.created", "room", "'=1+1", "title: A", "title: B")


def test_the_sheet_has_more_than_one_portion(tenant: TenantRef, open_log: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenants.audit.reading.AT_ONCE", 3)
    made = [done(tenant).name for _ in range(10)]
    rows = list(csv.reader(b"".join(open_log("/audit/audit.csv", act="room.created")).decode().splitlines()))
    assert [row[5] for row in rows[1:]] == list(reversed(made))
