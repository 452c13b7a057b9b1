"""The bell of every page and the page behind it: what one was told, what is new, what one wants to hear of."""

import json
import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from chat.models import Notification
from chat.notifications import CATEGORIES, send_notification, settings_of
from chat.notifications.reading import PAGE
from chat.pages.notifications import ICONS, IN_BELL
from tenants.context import TenantRef, in_tenant
from tenants.models import Membership, Role, User
from tenants.resolve import forget
from tests.support.cast import MakeTenant, make_user
from tests.support.web import Browser, Page

WORDS: dict[str, Any] = {"category": "system", "kind": "news", "url": "/inbox/"}


@pytest.fixture
def owner() -> User:
    return make_user(f"{uuid4().hex}@house.example", "Olga")


@pytest.fixture
def tenant(make_tenant: MakeTenant, owner: User) -> TenantRef:
    """A tenant of this test alone."""
    return make_tenant(owner=owner)


@pytest.fixture
def signed_in(browser: Browser, tenant: TenantRef, owner: User) -> Browser:
    """The owner's browser."""
    browser.sign_in(url(tenant), owner.email)
    return browser


def url(tenant: TenantRef, path: str = "") -> str:
    return f"http://{tenant.slug}.localhost:8000/notifications/{path}"


def text(page: Page) -> str:
    return " ".join(page.content.decode().split())


def tell(tenant: TenantRef, who: User, title: str, **words: Any) -> UUID:
    """Its id."""
    assert send_notification(tenant, [who.id], **WORDS | {"title": title} | words) == 1
    with in_tenant(tenant):
        return UUID(str(Notification.objects.get(recipient_id=who.id, title=title).id))


def titles(page: Page) -> list[str]:
    """Of a list, in order."""
    return re.findall(r"<strong><bdi>(News[^<]*)</bdi></strong>", page.content.decode())


def unseen(tenant: TenantRef, who: User) -> int:
    with in_tenant(tenant):
        return Notification.objects.filter(recipient_id=who.id, seen_at=None).count()


def member(tenant: TenantRef, role: Role) -> User:
    user = make_user(f"{uuid4().hex}@house.example", role.title())
    Membership.objects.create(tenant_id=tenant.id, user=user, role=role)
    forget(tenant.id)
    return user


class TestBell:
    def test_every_page_has_it(self, signed_in: Browser, tenant: TenantRef) -> None:
        for path in ("/notifications/", "/start/", "/billing/"):
            page = signed_in.get(f"http://{tenant.slug}.localhost:8000{path}").content.decode()
            assert page.count('hx-get="/notifications/bell/"') == 1

    def test_it_shows_the_newest_and_counts_the_new(self, signed_in: Browser, tenant: TenantRef, owner: User) -> None:
        for n in range(IN_BELL + 2):
            tell(tenant, owner, f"News {n}")
        page = signed_in.get(url(tenant, "bell/"))
        assert titles(page) == [f"News {n}" for n in reversed(range(2, IN_BELL + 2))]
        assert f'hx-swap-oob="true">{IN_BELL + 2}<span class="hidden"> new</span>' in text(page)

    def test_with_nothing_new_it_counts_nothing(self, signed_in: Browser, tenant: TenantRef) -> None:
        page = text(signed_in.get(url(tenant, "bell/")))
        assert 'hx-swap-oob="true" hidden' in page
        assert "Nothing yet." in page

    def test_marking_from_the_bell_answers_with_the_bell(self, signed_in: Browser, tenant: TenantRef, owner: User) -> None:
        tell(tenant, owner, "News")
        jar = signed_in.jar(f"{tenant.slug}.localhost:8000")
        page = jar.post("/notifications/seen/", headers={"HX-Request": "true"})
        assert page.status_code == 200
        assert titles(page) == ["News"]
        assert 'hx-swap-oob="true" hidden' in text(page)

    def test_it_asks_the_same_few_times_for_many(
        self, signed_in: Browser, tenant: TenantRef, owner: User, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for n in range(IN_BELL):
            tell(tenant, owner, f"News {n}")
        signed_in.get(url(tenant, "bell/"))
        with django_assert_max_num_queries(8):
            assert len(titles(signed_in.get(url(tenant, "bell/")))) == IN_BELL


class TestList:
    def test_pages_through_all_newest_first(self, signed_in: Browser, tenant: TenantRef, owner: User) -> None:
        for n in range(PAGE + 3):
            tell(tenant, owner, f"News {n}")
        first = signed_in.get(url(tenant))
        onward = re.search(r'href="(\?after=[^"]*)" rel="next"', first.content.decode())
        assert onward
        second = signed_in.get(url(tenant, onward[1]))
        assert titles(first) + titles(second) == [f"News {n}" for n in reversed(range(PAGE + 3))]
        assert 'rel="next"' not in text(second)
        assert "To the beginning" in text(second)

    def test_the_new_ones(self, signed_in: Browser, tenant: TenantRef, owner: User) -> None:
        tell(tenant, owner, "News of yesterday")
        signed_in.post(url(tenant, "seen/"), {})
        tell(tenant, owner, "News of today")
        assert titles(signed_in.get(url(tenant, "?new=1"))) == ["News of today"]
        assert titles(signed_in.get(url(tenant))) == ["News of today", "News of yesterday"]

    def test_those_about_one_thing(self, signed_in: Browser, tenant: TenantRef, owner: User) -> None:
        tell(tenant, owner, "News")
        tell(tenant, owner, "News of an invoice", category="billing")
        assert titles(signed_in.get(url(tenant, "?category=billing"))) == ["News of an invoice"]
        assert "Nothing about this" in text(signed_in.get(url(tenant, "?category=mentions")))

    @pytest.mark.parametrize(
        ("query", "said"),
        [("?category=gossip", "gossip is not one of the available choices"), ("?after=x", "This part of the list is not there")],
    )
    def test_what_is_not_there_is_said(self, signed_in: Browser, tenant: TenantRef, query: str, said: str) -> None:
        page = signed_in.get(url(tenant, query))
        assert page.status_code == 422
        assert said in text(page)

    def test_nobody_sees_those_of_another(self, signed_in: Browser, tenant: TenantRef) -> None:
        tell(tenant, member(tenant, Role.ADMIN), "News of another")
        page = signed_in.get(url(tenant))
        assert titles(page) == []
        assert "Nothing yet" in text(page)

    def test_a_long_list_asks_no_more_often_than_a_short_one(
        self, signed_in: Browser, tenant: TenantRef, owner: User, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for n in range(PAGE):
            tell(tenant, owner, f"News {n}")
        signed_in.get(url(tenant))
        with django_assert_max_num_queries(12):
            assert len(titles(signed_in.get(url(tenant)))) == PAGE

    @pytest.mark.parametrize("role", list(Role))
    def test_every_member_has_one(self, browser: Browser, tenant: TenantRef, role: Role) -> None:
        who = member(tenant, role)
        tell(tenant, who, "News")
        assert titles(browser.sign_in(url(tenant), who.email)) == ["News"]

    def test_every_category_has_an_icon(self) -> None:
        assert ICONS.keys() == CATEGORIES.keys()


class TestSeen:
    def test_following_one_sees_it(self, signed_in: Browser, tenant: TenantRef, owner: User) -> None:
        one = tell(tenant, owner, "News", url="https://pay.example/now")
        tell(tenant, owner, "News of more")
        answer = signed_in.get(url(tenant, f"{one}/"))
        assert (answer.status_code, answer["Location"]) == (302, "https://pay.example/now")
        assert unseen(tenant, owner) == 1

    def test_that_of_another_is_not_there(self, signed_in: Browser, tenant: TenantRef) -> None:
        admin = member(tenant, Role.ADMIN)
        one = tell(tenant, admin, "News of another")
        assert signed_in.get(url(tenant, f"{one}/")).status_code == 404
        assert signed_in.post(url(tenant, "seen/"), {"id": str(one)}).status_code == 302
        assert unseen(tenant, admin) == 1

    def test_one_then_all(self, signed_in: Browser, tenant: TenantRef, owner: User) -> None:
        one = tell(tenant, owner, "News")
        for n in range(2):
            tell(tenant, owner, f"News {n}")
        answer = signed_in.post(url(tenant, "seen/?new=1&category=system"), {"id": str(one)})
        assert answer["Location"] == "/notifications/?new=1&category=system"
        assert unseen(tenant, owner) == 2
        signed_in.post(url(tenant, "seen/"), {})
        assert unseen(tenant, owner) == 0

    def test_what_is_no_id(self, signed_in: Browser, tenant: TenantRef, owner: User) -> None:
        tell(tenant, owner, "News")
        assert signed_in.post(url(tenant, "seen/"), {"id": "x"}).status_code == 404
        assert unseen(tenant, owner) == 1


class TestSettings:
    def test_it_begins_as_the_role_has_it(self, signed_in: Browser, tenant: TenantRef) -> None:
        page = text(signed_in.get(url(tenant, "settings/")))
        for category in CATEGORIES.values():
            box = re.search(rf'<input type="checkbox" name="{category.name}"[^>]*>', page)
            assert box
            assert ("checked" in box[0]) == (Role.OWNER in category.wanted_by)

    def test_a_choice_holds(self, signed_in: Browser, tenant: TenantRef, owner: User) -> None:
        answer = signed_in.post(url(tenant, "settings/"), {"rooms": "on", "mentions": "on"})
        assert answer.status_code == 302
        with in_tenant(tenant):
            wanted = settings_of(owner.id, Role.OWNER)
        assert {name for name, want in wanted.items() if want} == {"rooms", "mentions"}
        assert send_notification(tenant, [owner.id], **WORDS, title="News") == 0

    def test_it_is_mine_alone(self, signed_in: Browser, tenant: TenantRef) -> None:
        admin = member(tenant, Role.ADMIN)
        signed_in.post(url(tenant, "settings/"), {})
        assert send_notification(tenant, [admin.id], **WORDS, title="News") == 1


@pytest.mark.parametrize("role", list(Role))
def test_the_inbox_leads_to_the_same_places_as_every_page(browser: Browser, tenant: TenantRef, role: Role) -> None:
    page = browser.sign_in(url(tenant), member(tenant, role).email).content.decode()
    nav = page[page.index('<aside class="side">') : page.index("</aside>")]
    beside = [path for path in re.findall(r'href="/([a-z]+)/"', nav) if path != "inbox"]
    inbox = browser.get(f"http://{tenant.slug}.localhost:8000/inbox/").content.decode()
    boot = re.search(r'<script id="boot" type="application/json">(.*?)</script>', inbox)
    assert boot
    assert json.loads(boot[1])["pages"] == beside
