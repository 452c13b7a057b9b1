"""A second factor: setting it up, signing in with it, and tenants that ask everybody for one."""

import re
from functools import partial
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import IntegrityError
from django.http import HttpRequest

from saas.core import registry
from saas.core.errors import ChangedSince, Conflict, Forbidden
from saas.core.seen import mark_of
from tenants import services
from tenants.context import TenantRef
from tenants.jwt_services import sign_in_by_password
from tenants.models import AuditEntry, Membership, Role, Tenant, User
from tenants.pages import security
from tests.support.cast import PASSWORD, MakeTenant
from tests.support.order import at_once_behind
from tests.support.people import code_of, give_factor, host, join, mails_to, owner_of, ref_of, signed_in
from tests.support.web import PLATFORM, Browser

SETUP = f"{PLATFORM}/you/two-factor/totp/activate/"


@pytest.fixture
def nell(tenant: TenantRef) -> Membership:
    """An agent without a second factor."""
    return join(tenant, Role.AGENT, "Nell")


def ask(tenant: TenantRef) -> None:
    """The owner, who has a second factor, asks everybody for one."""
    owner = owner_of(tenant)
    give_factor(owner.user)
    services.change_security(tenant.id, needs_two_factor=True, by=ref_of(owner))


def text(answer: Any) -> str:
    return str(answer.content.decode())


def setup_page(browser: Browser) -> Any:
    """The page of the authenticator app: whoever opens it types their password once more."""
    browser.follow(browser.get(SETUP))
    page = browser.follow(browser.post(browser.url, {"password": PASSWORD}))
    assert page.status_code == 200, text(page)
    return page


def set_up(browser: Browser) -> str:
    """Set up an authenticator app through its page; its secret."""
    secret: str = setup_page(browser).context["form"].secret
    done = browser.follow(browser.post(SETUP, {"code": code_of(secret)}))
    assert "Recovery codes" in text(done)
    return secret


def keep(browser: Browser, tenant: TenantRef, **said: str) -> Any:
    """Send the form of the settings page; where it leads."""
    shown = text(browser.get(f"{host(tenant)}/settings/"))
    found = re.search(r'settings/security/.*?name="seen" value="(\w+)"', shown, re.DOTALL)
    assert found is not None
    return browser.follow(browser.post(f"{host(tenant)}/settings/security/", {**said, "seen": found[1]}))


class TestSettingUp:
    def test_an_app_with_its_picture_secret_and_codes(self, tenant: TenantRef, nell: Membership) -> None:
        browser = signed_in(tenant, nell)
        assert "Is it you?" in text(browser.follow(browser.get(SETUP)))
        page = setup_page(browser)
        assert "data:image/svg+xml;base64," in text(page)
        secret = page.context["form"].secret
        assert secret in text(page)
        wrong = browser.post(SETUP, {"code": "000000" if code_of(secret) != "000000" else "000001"})
        assert "That code does not fit" in text(wrong)
        done = browser.follow(browser.post(SETUP, {"code": code_of(secret)}))
        codes = done.context["unused_codes"]
        assert len(codes) == 10
        assert codes[0] in text(done)
        assert Authenticator.objects.filter(user=nell.user, type="totp").exists()

    def test_a_form_that_is_sent_twice_at_once_is_one(self, tenant: TenantRef, nell: Membership) -> None:
        """Both are on the way before either is stored: the person's row is held, which a row of theirs needs at its commit."""
        browser = signed_in(tenant, nell)
        secret = setup_page(browser).context["form"].secret
        person = User.objects.select_for_update().filter(id=nell.user_id)
        pages = at_once_behind(person.get, [partial(browser.post, SETUP, {"code": code_of(secret)})] * 2)
        assert [page.status_code for page in pages] == [302, 302]
        assert {page["Location"] for page in pages} == {"/you/two-factor/recovery-codes/", "/you/two-factor/"}
        assert Authenticator.objects.filter(user=nell.user, type="totp").count() == 1

    def test_what_the_database_refuses_for_another_reason_is_an_error(
        self, tenant: TenantRef, nell: Membership, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(request: HttpRequest) -> None:
            raise IntegrityError("a rule of another table")

        browser = signed_in(tenant, nell)
        monkeypatch.setattr(security, "activate_totp", refuse)
        with pytest.raises(IntegrityError, match="another table"):
            browser.get(SETUP)
        give_factor(nell.user)
        assert browser.get(SETUP)["Location"] == "/you/two-factor/"

    def test_signing_in_needs_the_code_from_then_on(self, tenant: TenantRef, nell: Membership) -> None:
        secret = give_factor(nell.user)
        browser = Browser()
        page = browser.sign_in(f"{PLATFORM}/home/", nell.user.email)
        assert "One more step" in text(page)
        assert browser.get(f"{PLATFORM}/home/").status_code == 302, "not in yet"
        browser.follow(browser.post(f"{PLATFORM}/you/two-factor/authenticate/", {"code": code_of(secret)}))
        assert browser.get(f"{PLATFORM}/home/").status_code == 200

    def test_a_recovery_code_is_used_up(self, tenant: TenantRef, nell: Membership) -> None:
        give_factor(nell.user)
        kept = Authenticator.objects.get(user=nell.user, type="recovery_codes").wrap()
        code = kept.get_unused_codes()[0]
        first, second = Browser(), Browser()
        for browser in (first, second):
            browser.sign_in(f"{PLATFORM}/home/", nell.user.email)
            browser.follow(browser.post(f"{PLATFORM}/you/two-factor/authenticate/", {"code": code}))
        assert first.get(f"{PLATFORM}/home/").status_code == 200
        assert second.get(f"{PLATFORM}/home/").status_code == 302

    def test_secrets_are_not_readable_in_the_database(self, tenant: TenantRef, nell: Membership) -> None:
        secret = give_factor(nell.user)
        kept = Authenticator.objects.get(user=nell.user, type="totp")
        assert secret not in str(kept.data)
        assert kept.wrap().validate_code(code_of(secret))

    def test_what_was_kept_before_they_were_encrypted_still_works(self, nell: Membership) -> None:
        secret = give_factor(nell.user)
        kept = Authenticator.objects.get(user=nell.user, type="totp")
        kept.data = {"secret": secret}
        kept.save()
        assert kept.wrap().validate_code(code_of(secret))

    def test_not_before_the_address_is_verified(self, tenant: TenantRef, nell: Membership) -> None:
        EmailAddress.objects.create(user=nell.user, email=nell.user.email, primary=True, verified=False)
        browser = signed_in(tenant, nell)
        assert "An address of yours waits to be verified" in text(browser.follow(browser.get(SETUP)))

    @pytest.mark.parametrize(
        "page", ["", "totp/deactivate/", "recovery-codes/", "recovery-codes/generate/", "webauthn/", "webauthn/add/"]
    )
    def test_every_page_speaks_as_we_do(self, tenant: TenantRef, nell: Membership, page: str) -> None:
        browser = signed_in(tenant, nell)
        set_up(browser)
        shown = text(browser.follow(browser.get(f"{PLATFORM}/you/two-factor/{page}"))).partition("<main")[2]
        assert "<style" not in shown
        assert "style=" not in shown
        words = re.sub(r"<[^>]*>", " ", shown).lower()
        assert [word for word in ("account", "master key", "deactivate", "generate", "trans ") if word in words] == []


class TestATenantThatAsks:
    def test_leads_to_the_set_up_and_then_opens(self, tenant: TenantRef, nell: Membership) -> None:
        browser = signed_in(tenant, nell)
        assert browser.get(f"{host(tenant)}/people/").status_code == 200
        ask(tenant)
        page = browser.follow(browser.get(f"{host(tenant)}/people/"))
        assert f"{tenant.name} asks for two-factor" in text(page)
        assert browser.url.startswith(f"{PLATFORM}/you/two-factor/needed/")
        set_up(browser)
        assert f"go on to {tenant.name}" in text(browser.get(f"{PLATFORM}/you/two-factor/"))
        landed = browser.follow(browser.get(f"{PLATFORM}/you/two-factor/needed/"))
        assert (landed.status_code, browser.url) == (200, f"{host(tenant)}/inbox/")

    def test_names_and_mails_the_address_that_is_not_verified(self, tenant: TenantRef, nell: Membership) -> None:
        """A second one, with which nobody signs in yet: the page is no dead end, whether it is verified or removed."""
        second = f"home.{nell.user.email}"
        EmailAddress.objects.create(user=nell.user, email=nell.user.email, primary=True, verified=True)
        EmailAddress.objects.create(user=nell.user, email=second, verified=False)
        browser, page = signed_in(tenant, nell), f"{PLATFORM}/you/two-factor/needed/?tenant={tenant.slug}"
        ask(tenant)
        shown = text(browser.get(page)).partition("<main")[2]
        assert f"First verify <strong>{second}</strong>:" in shown
        assert 'Or <a href="/you/email/">remove it</a>.' in shown
        assert re.findall(r'name="email" value="([^"]*)"', shown) == [second]
        browser.post(f"{PLATFORM}/you/email/", {"email": second, "action_send": ""})
        assert (mails_to(second), mails_to(nell.user.email)) == (1, 0)
        browser.follow(browser.post(f"{PLATFORM}/you/email/", {"email": second, "action_remove": ""}))
        browser.follow(browser.post(browser.url, {"password": PASSWORD}))
        assert not EmailAddress.objects.filter(email=second).exists()
        assert "Use an authenticator app" in text(browser.get(page))

    def test_does_not_offer_to_remove_the_address_of_the_sign_in(self, tenant: TenantRef, nell: Membership) -> None:
        EmailAddress.objects.create(user=nell.user, email=nell.user.email, primary=True, verified=False)
        browser = signed_in(tenant, nell)
        ask(tenant)
        shown = text(browser.get(f"{PLATFORM}/you/two-factor/needed/?tenant={tenant.slug}"))
        assert f"First verify <strong>{nell.user.email}</strong>:" in shown
        assert "remove it" not in shown

    def test_nothing_of_it_opens_before(self, tenant: TenantRef, nell: Membership) -> None:
        """Pages, the API by session and by token, tickets for sockets, and new tokens."""
        browser, pair = signed_in(tenant, nell), sign_in_by_password(tenant, email=nell.user.email, password=PASSWORD)
        api = browser.jar(f"{tenant.slug}.localhost:8000")
        bearer = {"Authorization": f"Bearer {pair.access}"}
        assert api.post("/api/v1/auth/socket-ticket").status_code == 200
        assert api.get("/api/v1/me", headers=bearer).status_code == 200
        ask(tenant)
        assert browser.get(f"{host(tenant)}/inbox/").status_code == 302
        assert api.get("/api/v1/rooms").status_code == 401
        assert api.post("/api/v1/auth/socket-ticket").status_code == 401
        refused = api.get("/api/v1/me", headers=bearer)
        assert refused.status_code == 403
        assert "asks for two-factor" in refused.json()["error"]["message"]
        with pytest.raises(Forbidden, match="asks for two-factor"):
            sign_in_by_password(tenant, email=nell.user.email, password=PASSWORD)
        give_factor(nell.user)
        assert api.get("/api/v1/rooms").status_code == 200
        assert api.get("/api/v1/me", headers=bearer).status_code == 200

    def test_sockets_of_who_lacks_it_close_and_others_stay(
        self, tenant: TenantRef, nell: Membership, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[dict[str, Any]] = []
        monkeypatch.setattr(registry.sessions_ended, "_answers", [lambda **facts: told.append(facts)])
        give_factor(join(tenant, Role.AGENT, "Eve").user)
        services.disable(join(tenant, Role.AGENT, "Dora"), by=ref_of(owner_of(tenant)))
        told.clear()
        ask(tenant)
        assert told == [{"tenant_id": tenant.id, "user_id": nell.user_id, "sid": None}]

    def test_giving_it_up_closes_the_door_again(
        self, tenant: TenantRef, nell: Membership, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        browser = signed_in(tenant, nell)
        set_up(browser)
        ask(tenant)
        assert browser.get(f"{host(tenant)}/people/").status_code == 200
        told: list[dict[str, Any]] = []
        monkeypatch.setattr(registry.sessions_ended, "_answers", [lambda **facts: told.append(facts)])
        browser.follow(browser.post(f"{PLATFORM}/you/two-factor/totp/deactivate/", {}))
        assert not Authenticator.objects.filter(user=nell.user).exists(), "the recovery codes go with it"
        assert {"tenant_id": tenant.id, "user_id": nell.user_id, "sid": None} in told
        assert browser.get(f"{host(tenant)}/people/").status_code == 302

    def test_an_owner_must_have_it_first(self, tenant: TenantRef) -> None:
        owner = owner_of(tenant)
        with pytest.raises(Conflict, match="your own second factor first"):
            services.change_security(tenant.id, needs_two_factor=True, by=ref_of(owner))
        assert not Tenant.objects.get(id=tenant.id).needs_two_factor
        ask(tenant)
        assert Tenant.objects.get(id=tenant.id).needs_two_factor

    def test_only_owners_ask_and_two_at_once_are_told(self, tenant: TenantRef) -> None:
        admin, owner = join(tenant, Role.ADMIN), owner_of(tenant)
        for member in (admin, owner):
            give_factor(member.user)
        with pytest.raises(Forbidden):
            services.change_security(tenant.id, needs_two_factor=True, by=ref_of(admin))
        seen = mark_of({"needs_two_factor": False})
        services.change_security(tenant.id, needs_two_factor=True, by=ref_of(owner), seen=seen)
        with pytest.raises(ChangedSince):
            services.change_security(tenant.id, needs_two_factor=False, by=ref_of(owner), seen=seen)
        said = AuditEntry.objects.get(tenant_id=tenant.id, act="tenant.security_changed")
        assert (said.before, said.after) == ({"needs_two_factor": False}, {"needs_two_factor": True})

    def test_recovery_codes_alone_are_none(self, tenant: TenantRef, nell: Membership) -> None:
        ask(tenant)
        Authenticator.objects.create(user=nell.user, type="recovery_codes", data={})
        services.second_factor_changed(nell.user)
        assert ref_of(nell).is_locked
        Authenticator.objects.create(user=nell.user, type="webauthn", data={"name": "Phone", "credential": {}})
        services.second_factor_changed(nell.user)
        assert not ref_of(nell).is_locked

    def test_from_the_page(self, tenant: TenantRef, nell: Membership) -> None:
        owner = owner_of(tenant)
        browser = signed_in(tenant, owner, "/settings/")
        shown = text(browser.get(f"{host(tenant)}/settings/"))
        assert "Set up yours first" in shown
        refused = keep(browser, tenant, needs_two_factor="on")
        assert refused.status_code == 422
        assert "Set up your own second factor first" in text(refused)
        give_factor(owner.user)
        assert "1 of your people must set it up" in text(keep(browser, tenant, needs_two_factor="on"))
        assert "own choice again" in text(keep(browser, tenant))
        assert not ref_of(nell).is_locked

    def test_a_page_for_a_tenant_of_others_says_nothing(self, nell: Membership, make_tenant: MakeTenant) -> None:
        other = make_tenant()
        ask(other)
        browser = Browser()
        browser.sign_in(f"{PLATFORM}/home/", nell.user.email)
        for slug in (other.slug, "nobody"):
            page = browser.get(f"{PLATFORM}/you/two-factor/needed/?tenant={slug}")
            assert (page.status_code, page["Location"]) == (302, "/home/")
