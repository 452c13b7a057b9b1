"""Whoever has a second factor is asked for it before they change what proves who they are, and told where to turn without one."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator

from tenants.context import TenantRef
from tenants.models import Membership, Role, User
from tests.support.cast import PASSWORD
from tests.support.people import address, code_of, give_factor, join, text_of
from tests.support.web import PLATFORM, Browser

NEW = {"oldpassword": PASSWORD, "password1": "a-lamp-in-the-rain", "password2": "a-lamp-in-the-rain"}
OWN = f"{PLATFORM}/you/password/"
EMAIL = f"{PLATFORM}/you/email/"
AGAIN = f"{PLATFORM}/you/two-factor/reauthenticate/"


@pytest.fixture
def nell(tenant: TenantRef) -> Membership:
    return join(tenant, Role.AGENT, "Nell")


@pytest.fixture
def plain(nell: Membership) -> Browser:
    """In which she is signed in with her password, and has no second factor."""
    browser = Browser()
    browser.sign_in(f"{PLATFORM}/home/", nell.user.email)
    return browser


@pytest.fixture
def browser(nell: Membership) -> Browser:
    """In which she is signed in with her password and the code of her app."""
    secret, browser = give_factor(nell.user), Browser()
    browser.sign_in(f"{PLATFORM}/home/", nell.user.email)
    browser.follow(browser.post(f"{PLATFORM}/you/two-factor/authenticate/", {"code": code_of(secret)}))
    assert browser.get(f"{PLATFORM}/home/").status_code == 200
    return browser


def prove(browser: Browser, nell: Membership) -> str:
    """Type a recovery code where she is asked; the page that comes of it."""
    assert browser.url.startswith(AGAIN)
    kept = Authenticator.objects.get(user=nell.user, type="recovery_codes").wrap()
    return text_of(browser.follow(browser.post(browser.url, {"code": kept.get_unused_codes()[0]})))


class TestPassword:
    def test_it_is_changed_once_the_factor_is_proven(self, nell: Membership, browser: Browser) -> None:
        assert "Is it you?" in text_of(browser.follow(browser.get(OWN)))
        assert "Current password" in prove(browser, nell)
        assert browser.post(OWN, NEW).status_code == 302
        assert User.objects.get(id=nell.user_id).check_password(NEW["password1"])

    def test_not_before_and_no_password_waits_in_the_session(self, nell: Membership, browser: Browser) -> None:
        assert "Is it you?" in text_of(browser.follow(browser.post(OWN, NEW)))
        assert NEW["password1"] not in str(dict(browser.jar("localhost:8000").session))
        assert "Current password" in prove(browser, nell)
        assert User.objects.get(id=nell.user_id).check_password(PASSWORD)

    def test_without_a_factor_the_old_password_is_enough(self, nell: Membership, plain: Browser) -> None:
        assert "Current password" in text_of(plain.get(OWN))
        assert plain.post(OWN, NEW).status_code == 302
        assert User.objects.get(id=nell.user_id).check_password(NEW["password1"])


class TestAddresses:
    @pytest.fixture
    def other(self, nell: Membership) -> str:
        """A second address of hers."""
        EmailAddress.objects.create(user=nell.user, email=nell.user.email, primary=True, verified=True)
        return str(EmailAddress.objects.create(user=nell.user, email=address(), verified=True).email)

    @pytest.mark.parametrize("act", ["action_remove", "action_primary"])
    def test_they_are_changed_once_the_factor_is_proven(self, nell: Membership, other: str, browser: Browser, act: str) -> None:
        before = self.of(nell)
        assert "Is it you?" in text_of(browser.follow(browser.post(EMAIL, {act: "", "email": other})))
        assert self.of(nell) == before
        prove(browser, nell)
        assert self.of(nell) == (
            [(nell.user.email, True)] if act == "action_remove" else [(nell.user.email, False), (other, True)]
        )

    @pytest.mark.parametrize("act", ["action_remove", "action_primary"])
    def test_without_a_factor_nothing_is_asked(self, nell: Membership, other: str, plain: Browser, act: str) -> None:
        before = self.of(nell)
        assert "Is it you?" not in text_of(plain.follow(plain.post(EMAIL, {act: "", "email": other})))
        assert self.of(nell) != before

    def of(self, nell: Membership) -> list[tuple[str, bool]]:
        return list(EmailAddress.objects.filter(user=nell.user).order_by("id").values_list("email", "primary"))


class TestWhoLostIt:
    def test_the_page_says_where_to_turn_and_what_else_there_is(self, nell: Membership, browser: Browser) -> None:
        Authenticator.objects.create(user=nell.user, type="webauthn", data={"name": "Phone", "credential": {}})
        page = text_of(browser.get(AGAIN))
        assert "Lost all of them?" in page
        assert "Use a passkey" in page
        assert "one of your recovery codes" in page
        assert "security key" not in page

    def test_who_has_none_is_told_nothing_of_it(self, plain: Browser) -> None:
        page = text_of(plain.get(f"{PLATFORM}/sign-in/again/"))
        assert "Is it you?" in page
        assert "Lost all of them?" not in page
