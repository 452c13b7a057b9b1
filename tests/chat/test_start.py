"""The first run: what is done is read from what is there, kept, and shown to whoever sets a tenant up."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from chat.models import Message, Room, Site, TagSeen
from chat.services.first_run import look_around
from chat.services.sample import load_sample
from tenants import first_run
from tenants.context import TenantRef, in_tenant
from tenants.first_run import NEEDED, Step
from tenants.models import FirstRun, Membership, Role
from tenants.resolve import forget
from tenants.selectors import platform_url
from tests.support.cast import PASSWORD, MakeTenant, make_user
from tests.support.community import community, member, message_of, team_member
from tests.support.talk import embed_key
from tests.support.web import Browser, Page


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    return make_tenant()


@pytest.fixture
def owner(tenant: TenantRef) -> str:
    return f"owner@{tenant.slug}.example"


def url(tenant: TenantRef, path: str = "start/") -> str:
    return f"http://{tenant.slug}.localhost:8000/{path}"


def text(page: Page) -> str:
    return " ".join(page.content.decode().split())


def as_role(tenant: TenantRef, role: Role) -> str:
    """The address of a new member."""
    user = make_user(f"{uuid4().hex[:12]}@role.example", "Rolf")
    Membership.objects.create(tenant_id=tenant.id, user=user, role=role)
    forget(tenant.id)
    return user.email


def name_page(tenant: TenantRef) -> None:
    with in_tenant(tenant):
        Site.objects.update(allowed_origins=["https://shop.example"])


def see_tag(tenant: TenantRef, origin: str = "https://shop.example") -> None:
    key = embed_key(tenant)
    with in_tenant(tenant):
        TagSeen.objects.create(site_id=key.site_id, key=key.key, origin=origin, page=f"{origin}/cart")


def name_it_too(browser: Browser, page: str) -> Page:
    """Press the first button of that name, with what its form holds."""
    found = re.search(r'action="(/sites/[^"]+/access/allow/)">.*?name="origin" value="([^"]+)".*?name="back" value="(\w+)"', page)
    assert found is not None
    return browser.follow(browser.post(found[1], {"origin": found[2], "back": found[3]}))


def write(tenant: TenantRef) -> None:
    """A visitor says something."""
    room = community(tenant)
    message_of(tenant, room, member(tenant, room), "Is anybody there?")


def done(tenant: TenantRef) -> set[Step]:
    return set(look_around(tenant).done)


class TestFacts:
    def test_a_new_tenant_has_signed_up_and_nothing_else(self, tenant: TenantRef) -> None:
        assert done(tenant) == {Step.SIGN_UP}
        assert look_around(tenant).next == Step.SITE

    def test_each_fact_takes_its_step(self, tenant: TenantRef) -> None:
        name_page(tenant)
        assert done(tenant) == {Step.SIGN_UP, Step.SITE}
        first_run.keep(tenant.id, [Step.SNIPPET])
        assert look_around(tenant).next == Step.TAG
        see_tag(tenant)
        assert look_around(tenant).next == Step.MESSAGE
        write(tenant)
        assert look_around(tenant).is_finished

    def test_a_tag_that_was_seen_was_pasted(self, tenant: TenantRef) -> None:
        see_tag(tenant)
        assert done(tenant).issuperset({Step.SNIPPET, Step.TAG})

    def test_a_room_and_a_colleague_are_extra(self, tenant: TenantRef) -> None:
        community(tenant)
        as_role(tenant, Role.AGENT)
        assert done(tenant) == {Step.SIGN_UP, Step.ROOM, Step.INVITE}
        assert look_around(tenant).next == Step.SITE

    def test_an_agents_line_is_no_visitors(self, tenant: TenantRef) -> None:
        message_of(tenant, community(tenant), team_member(tenant, Role.AGENT), "Hello?")
        assert Step.MESSAGE not in done(tenant)

    def test_sample_data_counts_for_nothing(self, tenant: TenantRef) -> None:
        load_sample(tenant, team_member(tenant, Role.OWNER))
        assert done(tenant).issubset({Step.SIGN_UP, Step.INVITE})

    def test_what_was_done_stays_done(self, tenant: TenantRef) -> None:
        name_page(tenant)
        write(tenant)
        first = look_around(tenant)
        with in_tenant(tenant):
            Site.objects.update(allowed_origins=[])
            Message.objects.all().delete()
            Room.objects.all().delete()
        assert look_around(tenant) == first

    def test_the_moment_is_that_of_the_first_time(self, tenant: TenantRef) -> None:
        first_run.keep(tenant.id, [Step.SNIPPET])
        then = timezone.now() - timedelta(days=3)
        FirstRun.objects.filter(tenant_id=tenant.id).update(done={"snippet": then.isoformat()})
        first_run.keep(tenant.id, [Step.SNIPPET, Step.TAG])
        assert first_run.progress_of(tenant.id).done[Step.SNIPPET] == then

    def test_once_all_is_done_nobody_looks_any_more(
        self, tenant: TenantRef, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        first_run.keep(tenant.id, list(Step))
        with django_assert_num_queries(2):
            assert look_around(tenant).is_finished


class TestPage:
    def test_it_shows_the_next_step_and_how_many_are_done(self, browser: Browser, tenant: TenantRef, owner: str) -> None:
        page = text(browser.sign_in(url(tenant), owner))
        assert "1 of 5 done" in page
        assert page.count('aria-current="step"') == 1
        assert "Keep this address" in page

    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ("https://Shop.example/cart", "https://shop.example"),
            ("shop.example", "https://shop.example"),
            ("http://localhost:3000", "http://localhost:3000"),
        ],
    )
    def test_an_address_is_kept(self, browser: Browser, tenant: TenantRef, owner: str, typed: str, kept: str) -> None:
        browser.sign_in(url(tenant), owner)
        page = text(browser.follow(browser.post(url(tenant, "start/address/"), {"address": typed})))
        with in_tenant(tenant):
            assert Site.objects.get().allowed_origins == [kept]
        assert "2 of 5 done" in page
        assert f"data-key=&quot;{embed_key(tenant).key}&quot;" in page

    @pytest.mark.parametrize(("typed", "said"), [("", "Type the address of your page"), ("my shop", "is not an address like")])
    def test_what_is_no_address_is_refused_beside_the_field(
        self, browser: Browser, tenant: TenantRef, owner: str, typed: str, said: str
    ) -> None:
        browser.sign_in(url(tenant), owner)
        answer = browser.post(url(tenant, "start/address/"), {"address": typed})
        assert answer.status_code == 422
        assert said in text(answer)
        assert f'value="{typed}"' in text(answer) or not typed
        with in_tenant(tenant):
            assert Site.objects.get().allowed_origins == []

    def test_pasting_is_said(self, browser: Browser, tenant: TenantRef, owner: str) -> None:
        name_page(tenant)
        browser.sign_in(url(tenant), owner)
        page = text(browser.follow(browser.post(url(tenant, "start/snippet/"), {})))
        assert "Waiting for your page" in page
        assert 'href="https://shop.example" target="_blank"' in page

    def test_a_tag_on_a_page_that_is_not_named_is_told(self, browser: Browser, tenant: TenantRef, owner: str) -> None:
        name_page(tenant)
        see_tag(tenant, "https://www.shop.example")
        page = text(browser.sign_in(url(tenant), owner))
        assert "which is not named" in page
        assert "Name it, too" in page
        named = text(name_it_too(browser, page))
        assert browser.url == url(tenant)
        assert "https://www.shop.example may show" in named
        assert "which is not named" not in named
        with in_tenant(tenant):
            assert Site.objects.get().allowed_origins == ["https://shop.example", "https://www.shop.example"]

    def test_nobody_else_chooses_the_page_that_opens(self, browser: Browser, tenant: TenantRef, owner: str) -> None:
        """Whoever knows the public embed key can say to have seen the tag on a page of their own."""
        name_page(tenant)
        see_tag(tenant, "https://evil.example")
        page = text(browser.sign_in(url(tenant), owner))
        assert 'href="https://shop.example" target="_blank"' in page
        assert 'href="https://evil.example' not in page
        see_tag(tenant)
        assert 'href="https://shop.example/cart" target="_blank"' in text(browser.get(url(tenant)))

    def test_where_and_when_the_tag_was_seen(self, browser: Browser, tenant: TenantRef, owner: str) -> None:
        name_page(tenant)
        see_tag(tenant)
        page = text(browser.sign_in(url(tenant), owner))
        assert 'We saw your tag on <bdi class="address">https://shop.example/cart</bdi>' in page

    def test_without_a_site_it_leads_to_one(self, browser: Browser, tenant: TenantRef, owner: str) -> None:
        with in_tenant(tenant):
            Site.objects.all().delete()
        browser.sign_in(url(tenant), owner)
        assert "Make one" in text(browser.get(url(tenant)))
        refused = browser.post(url(tenant, "start/address/"), {"address": "https://shop.example"})
        assert refused.status_code == 422

    def test_the_steps_come_anew_only_when_there_are_more(self, browser: Browser, tenant: TenantRef, owner: str) -> None:
        name_page(tenant)
        browser.sign_in(url(tenant), owner)
        assert browser.get(url(tenant, "start/steps/?known=2")).status_code == 204
        see_tag(tenant)
        page = browser.get(url(tenant, "start/steps/?known=2"))
        assert page.status_code == 200
        assert "Waiting for the first message" in text(page)
        assert "known=4" in text(page)

    def test_nobody_waits_once_it_is_finished(self, browser: Browser, tenant: TenantRef, owner: str) -> None:
        first_run.keep(tenant.id, NEEDED)
        page = text(browser.sign_in(url(tenant), owner))
        assert "5 of 5 done" in page
        assert "every 3s" not in page

    def test_sample_data_comes_and_goes_by_two_buttons(self, browser: Browser, tenant: TenantRef, owner: str) -> None:
        assert "Load sample data" in text(browser.sign_in(url(tenant), owner))
        loaded = text(browser.follow(browser.post(url(tenant, "start/sample/"), {})))
        assert "Loaded: 4 rooms with 14 messages of 4 visitors." in loaded
        assert "Remove the sample data" in loaded
        gone = text(browser.follow(browser.post(url(tenant, "start/sample/remove/"), {})))
        assert "Removed: 4 rooms with 14 messages of 4 visitors." in gone
        assert "Load sample data" in gone

    def test_it_costs_the_same_few_queries_whatever_the_tenant_holds(
        self, browser: Browser, tenant: TenantRef, owner: str, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        browser.sign_in(url(tenant), owner)
        for _ in range(3):
            community(tenant)
        with django_assert_max_num_queries(40):
            assert browser.get(url(tenant)).status_code == 200


class TestFront:
    def test_it_begins_here_until_it_is_finished(self, browser: Browser, tenant: TenantRef, owner: str) -> None:
        browser.sign_in(url(tenant), owner)
        assert browser.get(url(tenant, ""))["Location"] == "/start/"
        first_run.keep(tenant.id, NEEDED)
        assert browser.get(url(tenant, ""))["Location"] == "/inbox/"

    def test_it_can_be_put_away_and_taken_up(self, browser: Browser, tenant: TenantRef, owner: str) -> None:
        browser.sign_in(url(tenant), owner)
        page = text(browser.follow(browser.post(url(tenant, "start/put-away/"), {})))
        assert "Put away." in page
        assert browser.get(url(tenant, ""))["Location"] == "/inbox/"
        browser.post(url(tenant, "start/put-away/"), {"again": "1"})
        assert browser.get(url(tenant, ""))["Location"] == "/start/"

    @pytest.mark.parametrize(("role", "front"), [(Role.ADMIN, "/start/"), (Role.AGENT, "/inbox/"), (Role.VIEWER, "/inbox/")])
    def test_only_who_sets_it_up_begins_here(self, browser: Browser, tenant: TenantRef, role: Role, front: str) -> None:
        browser.sign_in(url(tenant, "inbox/"), as_role(tenant, role))
        assert browser.get(url(tenant, ""))["Location"] == front
        assert browser.get(url(tenant)).status_code == (200 if front == "/start/" else 403)

    def test_a_stranger_signs_in_and_comes_back(self, browser: Browser, tenant: TenantRef) -> None:
        assert browser.get(url(tenant, ""))["Location"] == "/sign-in/?next=%2F"

    def test_a_new_tenant_lands_here(self, browser: Browser) -> None:
        slug = f"t{uuid4().hex[:10]}"
        said = {
            "name": "Ines",
            "email": f"ines@{slug}.example",
            "password": f"{PASSWORD} of ines",
            "tenant_name": "Initech",
            "slug": slug,
        }
        browser.follow(browser.post(platform_url("/sign-up/"), said))
        assert browser.url == f"http://{slug}.localhost:8000/start/"
