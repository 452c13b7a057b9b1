"""A new SECRET_KEY beside the one before it: what was signed, derived or encrypted under that holds. Without it, a refusal."""

import secrets
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from pytest_django import Settings

from chat.selectors.previews import preview_key, preview_of
from saas.core.errors import Unauthenticated
from tenants.context import TenantRef
from tenants.jwt_services import refresh_pair, sign_in_by_password
from tenants.models import Membership
from tests.support import cluster
from tests.support.cast import PASSWORD
from tests.support.identities import site_of
from tests.support.people import NEW, code_of, give_factor, invited, link_to, mail_to, signed_in, text_of
from tests.support.web import PLATFORM, Browser

CODE = f"{PLATFORM}/you/two-factor/authenticate/"
CODES = f"{PLATFORM}/you/two-factor/recovery-codes/"


def rotate(settings: Settings, *, keep: bool = True) -> None:
    """A new key, as an operator brings one; the one before stays behind it."""
    before = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = secrets.token_urlsafe(50), before if keep else []


def recovery_code_of(member: Membership) -> str:
    kept = Authenticator.objects.get(user=member.user, type="recovery_codes").wrap()
    return str(kept.get_unused_codes()[0])


def second_step(member: Membership, code: str) -> tuple[Any, Browser]:
    """The page after a password and this code, and the browser in which it stands."""
    browser = Browser()
    browser.sign_in(f"{PLATFORM}/home/", member.user.email)
    return browser.follow(browser.post(CODE, {"code": code})), browser


def is_in(browser: Browser) -> bool:
    return bool(browser.get(f"{PLATFORM}/home/").status_code == 200)


class TestTheOneBeforeIsKept:
    def test_the_environment_names_it(self) -> None:
        words = "from django.conf import settings; print(settings.SECRET_KEY_FALLBACKS)"
        said = cluster.manage("shell", "--no-imports", "-c", words, SECRET_KEY_FALLBACKS="before long-before").stdout
        assert said.strip() == "['before', 'long-before']"

    def test_codes_of_apps_and_recovery_codes_let_people_in(self, nell: Membership, settings: Settings) -> None:
        secret = give_factor(nell.user)
        kept = recovery_code_of(nell)
        rotate(settings)
        rotate(settings)
        for code in (code_of(secret), kept):
            assert is_in(second_step(nell, code)[1])

    def test_who_is_signed_in_stays_so(self, tenant: TenantRef, nell: Membership, settings: Settings) -> None:
        browser = signed_in(tenant, nell)
        pair = sign_in_by_password(tenant, email=nell.user.email, password=PASSWORD)
        rotate(settings)
        assert is_in(browser)
        assert browser.get(f"http://{tenant.slug}.localhost:8000/people/").status_code == 200
        bearer = {"Authorization": f"Bearer {pair.access}"}
        assert Browser().jar(f"{tenant.slug}.localhost:8000").get("/api/v1/me", headers=bearer).status_code == 200
        assert refresh_pair(tenant, pair.refresh).access

    def test_links_that_are_under_way_work(self, tenant: TenantRef, nell: Membership, settings: Settings) -> None:
        Browser().post(f"{PLATFORM}/you/password/reset/", {"email": nell.user.email})
        reset = next(word for word in mail_to(nell.user.email)["text"].split() if "/password/reset/" in word)
        invitation = link_to(invited(tenant))
        rotate(settings)
        browser = Browser()
        form = browser.follow(browser.get(reset))
        assert 'name="password1"' in text_of(form)
        browser = Browser()
        browser.follow(browser.post(invitation, NEW))
        assert browser.url == f"http://{tenant.slug}.localhost:8000/inbox/"

    def test_a_preview_is_shown(self, tenant: TenantRef, settings: Settings) -> None:
        key = preview_key(tenant, site_of(tenant), console="http://console.example")
        rotate(settings)
        assert preview_of(key) is not None


class TestTheOneBeforeIsLost:
    """As at another installation, or after somebody put a new one in its place."""

    def test_a_code_is_refused_beside_its_field(
        self, nell: Membership, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        secret = give_factor(nell.user)
        kept = recovery_code_of(nell)
        rotate(settings, keep=False)
        for code in (code_of(secret), kept):
            page, browser = second_step(nell, code)
            assert "No code can be checked here any more" in page.context["form"].errors["code"][0]
            assert "Lost all of them?" in text_of(page)
            assert not is_in(browser)
        assert "A second factor cannot be read" in caplog.text

    def test_so_is_one_that_was_changed_in_the_database(self, nell: Membership) -> None:
        secret = give_factor(nell.user)
        kept = Authenticator.objects.get(user=nell.user, type="totp")
        kept.data = {"secret": kept.data["secret"][:-8] + "AAAAAAA="}
        kept.save()
        page, browser = second_step(nell, code_of(secret))
        assert "No code can be checked here any more" in page.context["form"].errors["code"][0]
        assert not is_in(browser)

    def test_programs_are_refused_too(self, tenant: TenantRef, nell: Membership, settings: Settings) -> None:
        secret = give_factor(nell.user)
        rotate(settings, keep=False)
        with pytest.raises(Unauthenticated, match="No code can be checked here any more"):
            sign_in_by_password(tenant, email=nell.user.email, password=PASSWORD, otp=code_of(secret))

    def test_who_is_signed_in_is_asked_for_another_proof(self, tenant: TenantRef, nell: Membership, settings: Settings) -> None:
        _page, browser = second_step(nell, code_of(give_factor(nell.user)))
        assert is_in(browser)
        rotate(settings, keep=False)
        assert not is_in(browser)

    def test_recovery_codes_that_nobody_can_read_are_made_anew(self, nell: Membership, settings: Settings) -> None:
        """Of somebody who still proves who they are: here by an app that was set up since."""
        give_factor(nell.user)
        rotate(settings, keep=False)
        Authenticator.objects.filter(user=nell.user, type="totp").delete()
        secret = give_factor(nell.user)
        _page, browser = second_step(nell, code_of(secret))
        assert is_in(browser)
        assert "0 are left" in text_of(browser.get(f"{PLATFORM}/you/two-factor/"))
        cache.clear()  # the app shows the same code for half a minute
        browser.follow(browser.get(CODES))
        browser.post(browser.url, {"code": code_of(secret)})
        for address in (CODES, f"{CODES}generate/", f"{CODES}download/"):
            page = browser.follow(browser.get(address))
            assert page.status_code == 410
            assert "These codes can no longer be read" in text_of(page)
        done = browser.follow(browser.post(f"{CODES}generate/", {}))
        assert len(done.context["unused_codes"]) == 10
