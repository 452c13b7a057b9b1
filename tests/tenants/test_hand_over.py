"""Sign in once on the platform host, and be handed over to a tenant's host by a code that works once, in one browser."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.utils import timezone

from saas.core import registry
from tenants import services
from tenants.context import TenantRef
from tenants.models import Membership, Role, SignIn, SignInCode, User
from tenants.resolve import forget
from tests.support.cast import MakeTenant, make_user
from tests.support.web import ACME, GLOBEX, PLATFORM, Browser

SESSION = "porchlight_session"


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What the hook `sessions_ended` was told."""
    told: list[dict[str, object]] = []
    monkeypatch.setattr(registry.sessions_ended, "_answers", [lambda **facts: told.append(facts)])
    return told


def test_a_member_comes_back_to_the_page_they_asked_for(browser: Browser, ada: User) -> None:
    answer = browser.sign_in(f"{ACME}/api/v1/me", "ada@acme.example")
    assert answer.status_code == 401, "an API address does not redirect"
    browser.sign_in(f"{ACME}/sign-in/?next=/api/v1/me", "ada@acme.example")
    assert browser.url == f"{ACME}/api/v1/me"
    assert browser.get(f"{ACME}/api/v1/me").json()["user"] == {"id": str(ada.id), "name": "Ada", "email": "ada@acme.example"}


def test_the_second_tenant_needs_no_second_password(browser: Browser, make_tenant: MakeTenant) -> None:
    owner = make_user(f"{uuid4().hex}@two.example", "Twofold")
    first, second = make_tenant(owner=owner), make_tenant(owner=owner)
    browser.sign_in(_me(first), owner.email)
    assert browser.follow(browser.get(_me(second))).json()["tenant"]["slug"] == second.slug


def test_the_next_page_must_be_on_the_same_host(browser: Browser, ada: User) -> None:
    browser.sign_in(_me_of(ACME), "ada@acme.example")
    for bad in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "evil", ""):
        answer = browser.get(f"{ACME}/sign-in/?next={bad}")
        assert answer["Location"] == "/inbox/"


def test_somebody_who_is_no_member_gets_a_clear_page(browser: Browser, globex: TenantRef, ada: User) -> None:
    answer = browser.sign_in(_me_of(GLOBEX), "ada@acme.example")
    assert answer.status_code == 403
    assert b"is not a member of Globex" in answer.content
    assert browser.url.startswith(PLATFORM)


def test_a_code_works_once(browser: Browser, ada: User) -> None:
    link = _code_link(browser)
    assert browser.get(link).status_code == 302
    browser.jar("acme.localhost:8000").cookies.pop(SESSION)
    assert browser.get(link).status_code == 403


def test_a_code_in_another_browser_signs_nobody_in(browser: Browser, ada: User) -> None:
    link = _code_link(browser)
    victim = Browser()
    victim.get(f"{ACME}/sign-in/")  # has a nonce, but another one
    assert victim.get(link).status_code == 403
    assert victim.get(_me_of(ACME)).status_code == 302
    assert victim.get(f"{ACME}/api/v1/me").status_code == 401
    assert browser.get(link).status_code == 403, "and it is spent"


def test_two_tabs_may_sign_in_at_once(browser: Browser, ada: User) -> None:
    browser.sign_in(f"{PLATFORM}/home/", "ada@acme.example")
    links = []
    for _ in range(2):
        browser.follow(browser.get(f"{ACME}/sign-in/?next=/api/v1/me"), until="/sign-in/code/")
        links.append(browser.url)
    for link in (*links, links[0]):
        assert browser.follow(browser.get(link)).status_code == 200


def test_a_code_runs_out(browser: Browser, ada: User) -> None:
    link = _code_link(browser)
    SignInCode.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert browser.get(link).status_code == 403


def test_a_code_is_for_one_tenant(browser: Browser, ada: User, globex: TenantRef) -> None:
    link = _code_link(browser).replace("acme.localhost", "globex.localhost")
    assert browser.get(link).status_code == 403


def test_only_hashes_of_codes_are_kept(browser: Browser, ada: User) -> None:
    code = parse_qs(urlsplit(_code_link(browser)).query)["code"][0]
    kept = SignInCode.objects.order_by("-expires_at").values_list("code_hash", "nonce_hash").first()
    assert kept is not None
    assert all(code.encode() not in bytes(part) and len(bytes(part)) == 32 for part in kept)


def test_a_session_copied_to_another_host_counts_for_nothing(browser: Browser, make_tenant: MakeTenant) -> None:
    owner = make_user(f"{uuid4().hex}@two.example", "Twofold")
    first, second = make_tenant(owner=owner), make_tenant(owner=owner)
    browser.sign_in(_me(first), owner.email)
    stolen = browser.jar(_host(first)).cookies[SESSION].value
    thief = Browser()
    for host in (_host(second), "localhost:8000"):
        thief.jar(host).cookies[SESSION] = stolen
    assert thief.get(f"http://{_host(second)}/api/v1/me").status_code == 401
    assert thief.get(f"{PLATFORM}/home/").status_code == 302
    platform = browser.jar("localhost:8000").cookies[SESSION].value
    thief.jar(_host(first)).cookies[SESSION] = platform
    assert thief.get(f"http://{_host(first)}/api/v1/me").status_code == 401


def test_a_member_who_is_taken_out_is_signed_out(
    browser: Browser, make_tenant: MakeTenant, ended: list[dict[str, object]]
) -> None:
    tenant = make_tenant()
    user = make_user(f"{uuid4().hex}@out.example", "Otto")
    membership = Membership.objects.create(tenant_id=tenant.id, user=user, role=Role.AGENT)
    forget(tenant.id)
    assert browser.sign_in(_me(tenant), user.email).status_code == 200
    services.disable(membership)
    assert browser.get(f"http://{_host(tenant)}/api/v1/me").status_code == 401
    assert {fact["user_id"] for fact in ended} == {user.id}


def test_signing_out_of_a_tenant_ends_that_one_only(
    browser: Browser, make_tenant: MakeTenant, ended: list[dict[str, object]]
) -> None:
    owner = make_user(f"{uuid4().hex}@two.example", "Twofold")
    first, second = make_tenant(owner=owner), make_tenant(owner=owner)
    for tenant in (first, second):
        browser.sign_in(_me(tenant), owner.email)
    assert browser.follow(browser.post(f"http://{_host(first)}/sign-out/", {})).status_code == 200
    assert browser.get(f"http://{_host(first)}/api/v1/me").status_code == 401
    assert browser.get(f"http://{_host(second)}/api/v1/me").status_code == 200
    assert browser.get(f"{PLATFORM}/home/").status_code == 200
    assert [fact["tenant_id"] for fact in ended] == [first.id]


def test_signing_out_of_the_platform_reaches_every_tenant(
    browser: Browser, make_tenant: MakeTenant, ended: list[dict[str, object]]
) -> None:
    owner = make_user(f"{uuid4().hex}@two.example", "Twofold")
    tenants = [make_tenant(owner=owner), make_tenant(owner=owner)]
    for tenant in tenants:
        browser.sign_in(_me(tenant), owner.email)
    browser.post(f"{PLATFORM}/sign-out/", {})
    assert [browser.get(f"http://{_host(tenant)}/api/v1/me").status_code for tenant in tenants] == [401, 401]
    assert {fact["tenant_id"] for fact in ended} == {tenant.id for tenant in tenants}
    theirs = SignIn.objects.filter(user=owner).exclude(ended_at=None)
    assert {fact["sid"] for fact in ended} == {str(sid) for sid in theirs.exclude(tenant=None).values_list("id", flat=True)}
    assert theirs.filter(tenant=None).count() == 1, "the browser itself"
    assert browser.get(f"{PLATFORM}/home/").status_code == 302


def test_a_new_password_signs_out_everywhere(browser: Browser, make_tenant: MakeTenant) -> None:
    owner = make_user(f"{uuid4().hex}@new.example", "Nora")
    tenant = make_tenant(owner=owner)
    browser.sign_in(_me(tenant), owner.email)
    new = {"oldpassword": "porchlight-demo", "password1": "a-lamp-in-the-rain", "password2": "a-lamp-in-the-rain"}
    assert browser.post(f"{PLATFORM}/you/password/", new).status_code == 302
    assert browser.get(f"http://{_host(tenant)}/api/v1/me").status_code == 401
    assert get_user_model().objects.get(id=owner.id).check_password("a-lamp-in-the-rain")


def test_each_sign_in_gets_a_session_of_its_own(browser: Browser, ada: User) -> None:
    planted = browser.jar("acme.localhost:8000")
    planted.cookies[SESSION] = "a" * 32
    browser.sign_in(_me_of(ACME), "ada@acme.example")
    assert planted.cookies[SESSION].value != "a" * 32
    assert not Session.objects.filter(session_key="a" * 32).exists()


def test_cookies_stay_on_their_host(browser: Browser, ada: User) -> None:
    browser.sign_in(_me_of(ACME), "ada@acme.example")
    for host in ("acme.localhost:8000", "localhost:8000"):
        assert all(not cookie["domain"] for cookie in browser.jar(host).cookies.values())
        assert browser.jar(host).cookies[SESSION]["httponly"]


def _code_link(browser: Browser) -> str:
    """The address that carries Ada's code to acme, not opened yet."""
    browser.sign_in(f"{PLATFORM}/home/", "ada@acme.example")
    browser.follow(browser.get(f"{ACME}/sign-in/"), until="/sign-in/code/")
    return browser.url


def _host(tenant: TenantRef) -> str:
    return f"{tenant.slug}.localhost:8000"


def _me(tenant: TenantRef) -> str:
    return _me_of(f"http://{_host(tenant)}")


def _me_of(origin: str) -> str:
    return f"{origin}/sign-in/?next=/api/v1/me"
