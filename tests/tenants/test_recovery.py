"""Somebody lost their second factor and its recovery codes: it is taken away, and everybody concerned hears of it."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from pytest_django import Settings

from saas.core import registry
from saas.core.errors import Conflict, Unauthenticated
from tenants import services
from tenants.context import TenantRef
from tenants.jwt_services import refresh_pair, sign_in_by_password
from tenants.models import AuditEntry, Membership, Role, SignIn, Tenant, User
from tenants.source import Source, arriving
from tests.support.cast import PASSWORD, MakeTenant
from tests.support.people import code_of, give_factor, host, join, mail_to, mails_to, owner_of, ref_of, signed_in, text_of
from tests.support.web import PLATFORM, Browser
from tests.tenants.test_you import NEW, link_in


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the hook `sessions_ended` was told."""
    facts: list[dict[str, Any]] = []
    monkeypatch.setattr(registry.sessions_ended, "_answers", [lambda **said: facts.append(said)])
    return facts


def log_of(tenant_id: UUID) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(tenant_id=tenant_id, act="member.factor_removed"))


def ask(tenant: TenantRef) -> None:
    """The tenant asks everybody for two-factor."""
    owner = owner_of(tenant)
    give_factor(owner.user)
    services.change_security(tenant.id, needs_two_factor=True, by=ref_of(owner))


def test_all_of_it_goes(nell: Membership) -> None:
    give_factor(nell.user)
    Authenticator.objects.create(user=nell.user, type="webauthn", data={"name": "Phone", "credential": {}})
    assert services.remove_second_factors(nell.user_id) == ["authenticator app", "recovery codes", "passkey"]
    assert not Authenticator.objects.filter(user=nell.user).exists()


def test_the_password_lets_them_in_afterwards(tenant: TenantRef, nell: Membership) -> None:
    give_factor(nell.user)
    before = Browser()
    assert "One more step" in text_of(before.sign_in(f"{PLATFORM}/home/", nell.user.email))
    services.remove_second_factors(nell.user_id)
    assert signed_in(tenant, nell).get(f"{host(tenant)}/people/").status_code == 200


def test_they_are_signed_out_everywhere(
    tenant: TenantRef, nell: Membership, make_tenant: MakeTenant, told: list[dict[str, Any]]
) -> None:
    other = make_tenant()
    Membership.objects.create(tenant_id=other.id, user=nell.user, role=Role.ADMIN)
    browser, program = signed_in(tenant, nell), sign_in_by_password(tenant, email=nell.user.email, password=PASSWORD)
    give_factor(nell.user)
    told.clear()
    services.remove_second_factors(nell.user_id)
    assert browser.get(f"{PLATFORM}/home/").status_code == 302
    assert browser.get(f"{host(tenant)}/people/").status_code == 302
    assert not SignIn.objects.filter(user=nell.user, ended_at=None).exists()
    with pytest.raises(Unauthenticated):
        refresh_pair(tenant, program.refresh)
    whole = [fact["tenant_id"] for fact in told if fact["sid"] is None and fact["user_id"] == nell.user_id]
    assert set(whole) == {tenant.id, other.id}, "every socket, opened by whatever way"


def test_a_code_that_waits_lets_nobody_in_afterwards(tenant: TenantRef, nell: Membership) -> None:
    """Somebody who stands between the two hosts in that moment."""
    browser = Browser()
    browser.sign_in(f"{PLATFORM}/home/", nell.user.email)
    browser.follow(browser.get(f"{host(tenant)}/people/"), until="/sign-in/code/")
    onward = browser.url
    give_factor(nell.user)
    services.remove_second_factors(nell.user_id)
    assert browser.get(onward).status_code == 403


def test_others_keep_what_is_theirs(tenant: TenantRef, nell: Membership) -> None:
    eve = join(tenant, Role.AGENT, "Eve")
    browser = signed_in(tenant, eve)
    for member in (nell, eve):
        give_factor(member.user)
    services.remove_second_factors(nell.user_id)
    assert Authenticator.objects.filter(user=eve.user).count() == 2
    assert browser.get(f"{host(tenant)}/people/").status_code == 200


def test_nobody_who_has_none(nell: Membership) -> None:
    with pytest.raises(Conflict, match="has no second factor"):
        services.remove_second_factors(nell.user_id)
    assert mails_to(nell.user.email) == 0


class TestMail:
    def test_it_goes_to_every_verified_address(self, nell: Membership) -> None:
        second, unproven = f"{uuid4().hex}@second.example", f"{uuid4().hex}@unproven.example"
        for email, is_verified in ((nell.user.email, True), (second, True), (unproven, False)):
            EmailAddress.objects.create(user=nell.user, email=email, verified=is_verified, primary=email == nell.user.email)
        give_factor(nell.user)
        services.remove_second_factors(nell.user_id)
        assert [mails_to(email) for email in (nell.user.email, second, unproven)] == [1, 1, 0]

    def test_where_none_is_verified_to_the_one_of_the_sign_in(self, nell: Membership) -> None:
        give_factor(nell.user)
        services.remove_second_factors(nell.user_id)
        assert mails_to(nell.user.email) == 1

    @pytest.mark.parametrize(
        ("support", "words"), [("help@here.example", "write to help@here.example"), ("", "whoever runs localhost")]
    )
    def test_what_it_says(self, tenant: TenantRef, nell: Membership, settings: Settings, support: str, words: str) -> None:
        settings.SUPPORT_EMAIL = support
        give_factor(nell.user)
        services.remove_second_factors(nell.user_id)
        mail = mail_to(nell.user.email)
        assert mail["subject"] == "Two-factor is off for your Porchlight sign-in"
        for body in (mail["text"], mail["html"]):
            assert "authenticator app, recovery codes" in body
            assert f"{PLATFORM}/you/two-factor/" in body
            assert f"{PLATFORM}/you/password/reset/" in body
        assert words in mail["text"]
        assert "asks for two-factor" not in mail["text"]

    def test_it_names_tenants_that_ask_for_a_new_one(self, tenant: TenantRef, nell: Membership) -> None:
        ask(tenant)
        give_factor(nell.user)
        services.remove_second_factors(nell.user_id)
        assert f"{tenant.name} asks for two-factor" in mail_to(nell.user.email)["text"]


class TestAuditLog:
    def test_each_tenant_reads_it_and_no_other(self, tenant: TenantRef, nell: Membership, make_tenant: MakeTenant) -> None:
        second, left, strange = make_tenant(), make_tenant(), make_tenant()
        Membership.objects.create(tenant_id=second.id, user=nell.user, role=Role.VIEWER)
        gone = Membership.objects.create(tenant_id=left.id, user=nell.user, role=Role.AGENT)
        services.disable(gone, by=ref_of(owner_of(left)))
        give_factor(nell.user)
        services.remove_second_factors(nell.user_id)
        assert [len(log_of(one.id)) for one in (tenant, second, left, strange)] == [1, 1, 0, 0]

    def test_it_names_porchlight_and_not_where_staff_sat(self, tenant: TenantRef, nell: Membership) -> None:
        give_factor(nell.user)
        with arriving(Source("203.0.113.9", "Firefox 128 on Linux", "console")):
            services.remove_second_factors(nell.user_id)
        (entry,) = log_of(tenant.id)
        assert (entry.by_kind, entry.by_name, entry.address, entry.browser) == ("", "", "", "")
        assert (entry.thing_id, entry.thing_name) == (str(nell.user_id), "Nell")
        assert entry.before == {"second_factor": ["authenticator app", "recovery codes"]}
        page = signed_in(tenant, owner_of(tenant), "/audit/").get(f"{host(tenant)}/audit/")
        assert "took away the second factor of Nell, who had lost it" in " ".join(text_of(page).split())


class TestATenantThatAsksForTwoFactor:
    def test_they_set_it_up_anew_first(self, tenant: TenantRef, nell: Membership) -> None:
        ask(tenant)
        give_factor(nell.user)
        assert not ref_of(nell).is_locked
        services.remove_second_factors(nell.user_id)
        assert ref_of(nell).is_locked
        browser = Browser()
        page = browser.sign_in(f"{host(tenant)}/people/", nell.user.email)
        assert browser.url.startswith(f"{PLATFORM}/you/two-factor/needed/")
        assert f"{tenant.name} asks for two-factor" in text_of(page)
        give_factor(nell.user)
        landed = browser.follow(browser.get(f"{PLATFORM}/you/two-factor/needed/"))
        assert (landed.status_code, browser.url) == (200, f"{host(tenant)}/inbox/")

    def test_its_last_owner_too(self, tenant: TenantRef) -> None:
        """The tenant goes on asking, and its owner comes back in by the same way as everybody."""
        owner = owner_of(tenant)
        ask(tenant)
        services.remove_second_factors(owner.user_id)
        assert Tenant.objects.get(id=tenant.id).needs_two_factor
        browser = Browser()
        browser.sign_in(f"{host(tenant)}/people/", owner.user.email)
        assert "/two-factor/needed/" in browser.url


def test_a_new_password_by_mail_takes_no_second_factor_away(tenant: TenantRef, nell: Membership) -> None:
    secret = give_factor(nell.user)
    browser = Browser()
    browser.post(f"{PLATFORM}/you/password/reset/", {"email": nell.user.email})
    browser.follow(browser.get(link_in(mail_to(nell.user.email)["text"])))
    browser.follow(browser.post(browser.url, {"password1": NEW, "password2": NEW}))
    assert User.objects.get(id=nell.user_id).check_password(NEW)
    assert Authenticator.objects.filter(user=nell.user).count() == 2
    assert browser.get(f"{PLATFORM}/home/").status_code == 302, "not in by the link either"
    page = browser.sign_in(f"{PLATFORM}/home/", nell.user.email, NEW)
    assert "One more step" in text_of(page)
    browser.follow(browser.post(f"{PLATFORM}/you/two-factor/authenticate/", {"code": code_of(secret)}))
    assert browser.get(f"{PLATFORM}/home/").status_code == 200


@pytest.mark.parametrize(
    ("support", "words"), [("help@here.example", "mailto:help@here.example"), ("", "whoever runs Porchlight at localhost:8000")]
)
def test_pages_say_where_to_turn(tenant: TenantRef, nell: Membership, settings: Settings, support: str, words: str) -> None:
    settings.SUPPORT_EMAIL = support
    admin = signed_in(tenant, owner_of(tenant))
    assert words not in text_of(admin.get(f"{host(tenant)}/people/{nell.id}/")), "there is nothing to lose yet"
    give_factor(nell.user)
    page = text_of(admin.get(f"{host(tenant)}/people/{nell.id}/"))
    assert words in page
    assert f"Nobody in {tenant.name} can take a second factor away" in page
    assert words in text_of(Browser().sign_in(f"{PLATFORM}/home/", nell.user.email)), "where the code is asked for"
