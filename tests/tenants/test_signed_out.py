"""An admin signs a member out of their tenant: to come in again they prove who they are; elsewhere they stay in (ADR 7)."""

import time
from types import SimpleNamespace
from uuid import UUID

import pytest
from allauth.mfa.models import Authenticator

from saas.core.clock import database_time
from saas.core.errors import Unauthenticated
from tenants import people, services
from tenants.context import TenantRef
from tenants.jwt_services import refresh_pair, sign_in_by_password
from tenants.models import Membership, Role, SignInCode, User
from tenants.resolve import forget
from tests.support.cast import PASSWORD, MakeTenant
from tests.support.people import code_of, give_factor, host, join, owner_of, ref_of, signed_in, text_of
from tests.support.web import PLATFORM, Browser


@pytest.fixture
def other(make_tenant: MakeTenant, nell: Membership) -> TenantRef:
    """Another tenant in which Nell answers."""
    made = make_tenant()
    Membership.objects.create(tenant_id=made.id, user=nell.user, role=Role.AGENT)
    forget(made.id)
    return made


def is_in(browser: Browser, tenant: TenantRef) -> bool:
    return bool(browser.get(f"{host(tenant)}/people/").status_code == 200)


def open_again(browser: Browser, tenant: TenantRef) -> str:
    """Go where the tenant sends somebody who is not signed in; the page's words. Nothing is typed."""
    return text_of(browser.follow(browser.get(f"{host(tenant)}/people/")))


def put_out(tenant: TenantRef, member: Membership, sid: UUID | None = None) -> None:
    """By the owner, on the page of this member."""
    admin = signed_in(tenant, owner_of(tenant))
    said = {"sid": str(sid)} if sid else {}
    assert admin.post(f"{host(tenant)}/people/{member.id}/sign-out/", said).status_code == 302


def test_they_are_asked_who_they_are_before_they_come_in_again(tenant: TenantRef, nell: Membership) -> None:
    browser = signed_in(tenant, nell)
    put_out(tenant, nell)
    assert not is_in(browser, tenant)
    page = open_again(browser, tenant)
    assert "Is it you?" in page
    assert "/sign-in/again/" in browser.url, "by the password, as they have nothing else"
    assert f"You were signed out of {tenant.name}." in page
    landed = browser.follow(browser.post(browser.url, {"password": PASSWORD}))
    assert (landed.status_code, browser.url) == (200, f"{host(tenant)}/people/"), "back where they wanted to go"


def test_a_wrong_password_does_not_do(tenant: TenantRef, nell: Membership) -> None:
    browser = signed_in(tenant, nell)
    put_out(tenant, nell)
    open_again(browser, tenant)
    assert "That is not your password" in text_of(browser.post(browser.url, {"password": "not-hers-at-all"}))
    assert "Is it you?" in open_again(browser, tenant)


def test_whoever_is_not_signed_out_comes_in_without_a_question(tenant: TenantRef, nell: Membership) -> None:
    """The success twin: they leave by themselves."""
    browser = signed_in(tenant, nell)
    browser.post(f"{host(tenant)}/sign-out/", {})
    assert not is_in(browser, tenant)
    open_again(browser, tenant)
    assert is_in(browser, tenant)


def test_it_is_asked_once(tenant: TenantRef, nell: Membership) -> None:
    browser = signed_in(tenant, nell)
    put_out(tenant, nell)
    open_again(browser, tenant)
    browser.follow(browser.post(browser.url, {"password": PASSWORD}))
    browser.post(f"{host(tenant)}/sign-out/", {})
    open_again(browser, tenant)
    assert is_in(browser, tenant)


def test_who_proved_it_before_proves_it_again(tenant: TenantRef, nell: Membership) -> None:
    """Also a minute ago, for something else."""
    browser = signed_in(tenant, nell)
    browser.follow(browser.get(f"{PLATFORM}/you/two-factor/totp/activate/"))
    browser.follow(browser.post(browser.url, {"password": PASSWORD}))
    put_out(tenant, nell)
    assert "Is it you?" in open_again(browser, tenant)


def test_every_browser_is_asked_also_one_that_was_not_in_there(tenant: TenantRef, nell: Membership) -> None:
    inside, outside = signed_in(tenant, nell), Browser()
    outside.sign_in(f"{PLATFORM}/home/", nell.user.email)
    put_out(tenant, nell)
    for browser in (inside, outside):
        assert "Is it you?" in open_again(browser, tenant)


def test_of_one_place_the_others_stay_in(tenant: TenantRef, nell: Membership) -> None:
    first = signed_in(tenant, nell)
    (spot,) = people.spots_in_tenant(tenant.id, nell.user_id).shown
    second = signed_in(tenant, nell)
    put_out(tenant, nell, spot.id)
    assert is_in(second, tenant)
    assert "Is it you?" in open_again(first, tenant)


def test_whoever_signs_in_anew_has_proven_it(tenant: TenantRef, nell: Membership) -> None:
    browser = signed_in(tenant, nell)
    put_out(tenant, nell)
    browser.post(f"{PLATFORM}/sign-out/", {})
    browser.sign_in(f"{host(tenant)}/people/", nell.user.email)
    assert is_in(browser, tenant)


class TestSecondFactor:
    """Coming back takes no less than signing in."""

    @pytest.fixture
    def browser(self, tenant: TenantRef, nell: Membership) -> Browser:
        """In which Nell came in with the code of her app, and was signed out."""
        secret, browser = give_factor(nell.user), Browser()
        browser.sign_in(f"{host(tenant)}/people/", nell.user.email)
        browser.follow(browser.post(f"{PLATFORM}/you/two-factor/authenticate/", {"code": code_of(secret)}))
        assert is_in(browser, tenant)
        put_out(tenant, nell)
        return browser

    def test_a_code_does_it(self, tenant: TenantRef, nell: Membership, browser: Browser) -> None:
        page = open_again(browser, tenant)
        assert "/you/two-factor/reauthenticate/" in browser.url
        assert "Use your password" not in page, "which would lead back here"
        codes = Authenticator.objects.get(user=nell.user, type="recovery_codes")  # the app's code is used up
        landed = browser.follow(browser.post(browser.url, {"code": codes.wrap().get_unused_codes()[0]}))
        assert (landed.status_code, browser.url) == (200, f"{host(tenant)}/people/")

    def test_the_password_alone_does_not(self, tenant: TenantRef, browser: Browser) -> None:
        open_again(browser, tenant)
        browser.post(f"{PLATFORM}/sign-in/again/", {"password": PASSWORD})
        assert "Is it you?" in open_again(browser, tenant)
        assert not is_in(browser, tenant)

    @pytest.mark.parametrize("page", ["totp/deactivate/", "recovery-codes/"])
    def test_nor_does_it_anywhere_else(self, browser: Browser, page: str) -> None:
        browser.follow(browser.get(f"{PLATFORM}/you/two-factor/{page}"))
        assert "/you/two-factor/reauthenticate/" in browser.url
        browser.post(f"{PLATFORM}/sign-in/again/", {"password": PASSWORD})
        assert "Is it you?" in text_of(browser.follow(browser.get(f"{PLATFORM}/you/two-factor/{page}")))

    def test_who_has_a_passkey_only_is_asked_for_it_first(self, tenant: TenantRef, nell: Membership, browser: Browser) -> None:
        Authenticator.objects.create(user=nell.user, type="webauthn", data={"name": "Phone", "credential": {}})
        Authenticator.objects.filter(user=nell.user, type="totp").delete()
        answer = browser.follow(browser.get(f"{host(tenant)}/people/"), until="/webauthn/")
        assert answer["Location"].startswith("/you/two-factor/webauthn/reauthenticate/?next=")


class TestClocks:
    """The processes' clocks differ by 20 s; the admin's is asked by one of them, hers by another."""

    @pytest.mark.parametrize("seconds", [-20, 20])
    def test_neither_asked_again_nor_let_in_unasked(
        self, seconds: int, tenant: TenantRef, nell: Membership, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        off = SimpleNamespace(time=lambda: time.time() + seconds)
        monkeypatch.setattr("allauth.account.internal.flows.login.time", off)
        browser = signed_in(tenant, nell)
        put_out(tenant, nell)
        assert "Is it you?" in open_again(browser, tenant)
        browser.follow(browser.post(browser.url, {"password": PASSWORD}))
        assert is_in(browser, tenant)


class TestElsewhere:
    def test_other_tenants_and_the_platform_stay_open(self, tenant: TenantRef, other: TenantRef, nell: Membership) -> None:
        browser = signed_in(tenant, nell)
        open_again(browser, other)
        assert is_in(browser, other)
        put_out(tenant, nell)
        assert is_in(browser, other)
        assert browser.get(f"{PLATFORM}/home/").status_code == 200
        browser.post(f"{host(other)}/sign-out/", {})
        open_again(browser, other)
        assert is_in(browser, other), "nor is anything asked there"
        assert not is_in(browser, tenant)

    def test_programs_there_go_on_and_here_they_end(self, tenant: TenantRef, other: TenantRef, nell: Membership) -> None:
        here, there = (sign_in_by_password(one, email=nell.user.email, password=PASSWORD) for one in (tenant, other))
        put_out(tenant, nell)
        with pytest.raises(Unauthenticated):
            refresh_pair(tenant, here.refresh)
        assert refresh_pair(other, there.refresh).access
        assert sign_in_by_password(tenant, email=nell.user.email, password=PASSWORD).access, "by the password, which proves it"

    def test_other_members_are_not_asked(self, tenant: TenantRef, nell: Membership) -> None:
        eve = join(tenant, Role.AGENT, "Eve")
        browser = signed_in(tenant, eve)
        put_out(tenant, nell)
        assert is_in(browser, tenant)


class TestCodes:
    """A code between the two hosts, which was given out before."""

    def onward(self, tenant: TenantRef, user: User) -> Browser:
        browser = Browser()
        browser.sign_in(f"{PLATFORM}/home/", user.email)
        browser.follow(browser.get(f"{host(tenant)}/people/"), until="/sign-in/code/")
        return browser

    def test_one_of_before_lets_nobody_in(self, tenant: TenantRef, nell: Membership) -> None:
        kept, void = self.onward(tenant, nell.user), self.onward(tenant, nell.user)
        kept.follow(kept.get(kept.url))
        assert is_in(kept, tenant)
        put_out(tenant, nell)
        assert void.get(void.url).status_code == 403
        assert not is_in(void, tenant)

    def test_nor_one_whose_browser_was_signed_out_meanwhile(self, tenant: TenantRef, nell: Membership) -> None:
        browser = self.onward(tenant, nell.user)
        services.end_sign_ins_of(nell.user)
        assert browser.get(browser.url).status_code == 403
        assert not is_in(browser, tenant)

    def test_those_for_other_tenants_stay(self, tenant: TenantRef, other: TenantRef, nell: Membership) -> None:
        browser = self.onward(other, nell.user)
        put_out(tenant, nell)
        browser.follow(browser.get(browser.url))
        assert is_in(browser, other)
        assert not SignInCode.objects.filter(tenant_id=tenant.id, user=nell.user).exists()


def test_what_is_compared(tenant: TenantRef, nell: Membership) -> None:
    before = database_time()
    asked = {"tenant_id": tenant.id, "user_id": nell.user_id}
    assert not services.must_prove(**asked, proven_at=None), "nobody signed them out"
    services.end_of_member(tenant.id, nell.user, by=ref_of(owner_of(tenant)))
    assert services.must_prove(**asked, proven_at=None), "a session of which nobody knows when it began"
    assert services.must_prove(**asked, proven_at=before)
    assert not services.must_prove(**asked, proven_at=database_time())
