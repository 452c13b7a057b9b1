"""Acme's page for its own customers vouches for who is signed in as `docs/embed.md` says, and its key never leaves the server."""

from collections.abc import Iterator
from html import unescape

import pytest

from chat.services.identity import IdentityKey, delete_identity_key, read_identity
from tenants.context import TenantRef
from tenants.models import Role
from tests.support.community import team_member
from tests.support.identities import new_key, site_of
from tests.support.talk import embed_key
from tests.support.web import Browser

DEMO = "http://demo.localhost:8000"
IDENTITY = f"{DEMO}/chat-identity"
NO_KEY = "Acme has no identity key,"
pytestmark = pytest.mark.xdist_group("the key of acme")  # which all workers share


@pytest.fixture
def held(acme: TenantRef) -> Iterator[IdentityKey]:
    """The key with which Acme's server signs."""
    made = new_key(acme)
    yield made
    delete_identity_key(acme, team_member(acme, Role.OWNER), site_of(acme), made.kid)


@pytest.fixture
def signed_in(browser: Browser) -> Browser:
    """Vic's."""
    sent = browser.post(f"{DEMO}/members/sign-in/", {"customer": "4711"})
    assert (sent.status_code, sent["Location"]) == (302, "/members/")
    return browser


def words(browser: Browser) -> str:
    return unescape(browser.get(f"{DEMO}/members/").content.decode())


def test_the_answer_is_an_identity_that_counts_and_a_new_one_each_time(
    signed_in: Browser, acme: TenantRef, held: IdentityKey
) -> None:
    answers = [signed_in.get(IDENTITY) for _ in range(2)]
    assert {(one.status_code, one["Cache-Control"]) for one in answers} == {(200, "no-store")}
    tokens = [one.content.decode() for one in answers]
    found = [read_identity(acme, site_of(acme), embed_key(acme).key, [held.kid], token) for token in tokens]
    assert [(one.sub, one.name) for one in found] == [("4711", "Vic Adams")] * 2
    assert found[0].jti != found[1].jti


def test_nobody_is_signed_in_before_and_after(signed_in: Browser, held: IdentityKey) -> None:
    assert "Hello, Vic Adams" in words(signed_in)
    assert signed_in.post(f"{DEMO}/members/sign-out/", {})["Location"] == "/members/"
    answer = signed_in.get(IDENTITY)
    assert (answer.status_code, answer.content, answer["Cache-Control"]) == (204, b"", "no-store")
    assert "Nobody is signed in" in words(signed_in)


def test_who_is_signed_in_cannot_be_made_up(browser: Browser, held: IdentityKey) -> None:
    assert browser.post(f"{DEMO}/members/sign-in/", {"customer": "1"}).status_code == 404
    browser.jar("demo.localhost:8000").cookies["acme-customer"] = "4711"
    assert browser.get(IDENTITY).status_code == 204


def test_the_page_names_its_function_and_holds_no_key(signed_in: Browser, acme: TenantRef, held: IdentityKey) -> None:
    page = words(signed_in)
    assert f'data-key="{embed_key(acme).key}" data-identity="whoIsHere"></script>' in page
    assert page.count("<script") == 2
    assert held.secret not in page
    assert " style=" not in page
    assert NO_KEY not in page


def test_without_a_key_the_page_says_what_to_do_and_the_server_that_it_cannot_say(signed_in: Browser) -> None:
    assert NO_KEY in words(signed_in)
    answer = signed_in.get(IDENTITY)
    assert (answer.status_code, answer["Cache-Control"]) == (503, "no-store")
