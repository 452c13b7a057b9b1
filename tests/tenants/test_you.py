"""The pages of a person: addresses, password, second factor, forgotten password."""

import re
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from procrastinate.contrib.django.models import ProcrastinateJob

from tenants.models import User
from tests.support.cast import PASSWORD, make_user
from tests.support.web import PLATFORM, Browser

NEW = "a-lamp-in-the-rain"


@pytest.fixture
def nell(database: None) -> User:
    """Somebody who only this test knows, with an address that is not verified."""
    user = make_user(f"{uuid4().hex}@you.example", "Nell")
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)
    return user


def mail_to(address: str) -> dict[str, str]:
    """The last mail that waits for this address."""
    found = ProcrastinateJob.objects.filter(args__to=address).order_by("-id").first()
    assert found is not None
    return dict(found.args)


def link_in(text: str) -> str:
    found = re.search(r"http\S+", text)
    assert found is not None
    return found.group()


@pytest.mark.parametrize(
    "page",
    ["email/", "password/", "two-factor/", "two-factor/webauthn/", "two-factor/totp/activate/"],
)
def test_a_person_s_pages_need_a_sign_in_and_look_like_ours(browser: Browser, nell: User, page: str) -> None:
    assert browser.get(f"{PLATFORM}/you/{page}").status_code == 302
    browser.sign_in(f"{PLATFORM}/home/", nell.email)
    shown = browser.follow(browser.get(f"{PLATFORM}/you/{page}"))
    assert shown.status_code == 200
    assert b"console.css" in shown.content
    assert b"<style" not in shown.content


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once(browser: Browser, nell: User) -> None:
    sent = browser.follow(browser.post(f"{PLATFORM}/you/password/reset/", {"email": nell.email}))
    assert b"Look into your mail" in sent.content
    link = link_in(mail_to(nell.email)["text"])
    browser.follow(browser.get(link))
    browser.follow(browser.post(browser.url, {"password1": NEW, "password2": NEW}))
    assert User.objects.get(id=nell.id).check_password(NEW)
    again = Browser()
    assert b"no longer works" in again.follow(again.get(link)).content


def test_nobody_learns_from_a_reset_which_addresses_are_known(browser: Browser, nell: User) -> None:
    pages = []
    for address in (nell.email, f"{uuid4().hex}@nobody.example"):
        page = browser.follow(browser.post(f"{PLATFORM}/you/password/reset/", {"email": address}))
        pages.append(re.sub(rb"csrfmiddlewaretoken.*?>", b"", page.content))
    assert pages[0] == pages[1]


def test_an_address_is_verified_by_its_link(browser: Browser, nell: User) -> None:
    browser.sign_in(f"{PLATFORM}/home/", nell.email)
    browser.post(f"{PLATFORM}/you/email/", {"action_send": "", "email": nell.email})
    link = link_in(mail_to(nell.email)["text"])
    assert b"Is this address yours" in browser.get(link).content
    browser.post(link, {})
    assert EmailAddress.objects.get(user=nell).verified


def test_an_address_that_somebody_else_took_is_not_taken_over(browser: Browser, nell: User) -> None:
    """Nell adds an address that nobody has; before she makes it hers, somebody signs up with it."""
    browser.sign_in(f"{PLATFORM}/home/", nell.email)
    wanted = f"{uuid4().hex}@wanted.example"
    browser.post(f"{PLATFORM}/you/email/", {"action_add": "", "email": wanted})
    other = make_user(wanted, "Otto")
    said = browser.follow(browser.post(f"{PLATFORM}/you/email/", {"action_primary": "", "email": wanted}))
    assert said.status_code == 200
    assert User.objects.get(id=nell.id).email == nell.email
    assert User.objects.get(email=wanted) == other


def test_a_switched_off_user_cannot_sign_in(browser: Browser, nell: User) -> None:
    User.objects.filter(id=nell.id).update(is_active=False)
    browser.get(f"{PLATFORM}/sign-in/")
    browser.follow(browser.post(f"{PLATFORM}/sign-in/", {"login": nell.email, "password": PASSWORD}))
    assert browser.get(f"{PLATFORM}/home/").status_code == 302


def test_one_address_alone_has_no_buttons_that_do_nothing(browser: Browser, nell: User) -> None:
    page = browser.sign_in(f"{PLATFORM}/you/email/", nell.email).content.decode()
    assert "action_send" in page  # it wants its verification
    assert "action_primary" not in page
    assert "action_remove" not in page
    EmailAddress.objects.filter(user=nell).update(verified=True)
    page = browser.get(f"{PLATFORM}/you/email/").content.decode()
    assert "action_send" not in page
    assert 'type="radio"' not in page, "there is nothing to choose"
    EmailAddress.objects.create(user=nell, email=f"{uuid4().hex}@you.example", verified=True)
    page = browser.get(f"{PLATFORM}/you/email/").content.decode()
    assert "action_primary" in page
    assert "action_remove" in page
    assert page.count('type="radio"') == 2


def test_a_new_password_is_asked_for_in_our_words(browser: Browser, nell: User) -> None:
    browser.post(f"{PLATFORM}/you/password/reset/", {"email": nell.email})
    by_link = browser.follow(browser.get(link_in(mail_to(nell.email)["text"]))).content.decode()
    own = browser.sign_in(f"{PLATFORM}/you/password/", nell.email).content.decode()
    assert "Current password" in own
    for page in (by_link, own):
        assert "New password, once more" in page
        assert "At least 10 characters." in page
        assert "New Password" not in page
