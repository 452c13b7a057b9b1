"""Which host has which pages, and what stands on all of them."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from tenants.context import TenantRef
from tenants.models import Domain, Tenant, User
from tenants.resolve import forget
from tests.support.cast import MakeTenant
from tests.support.web import PLATFORM, Browser


def get(host: str, path: str = "/") -> Any:
    return Client(headers={"host": host}).get(path)


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("localhost:8000", "/", 200),
        ("LOCALHOST:8000", "/", 200),
        ("localhost.:8000", "/", 200),
        ("localhost:8000", "/sign-in/", 200),
        ("localhost:8000", "/staff/", 302),
        ("localhost:8000", "/inbox/", 404),
        ("localhost:8000", "/w/key/frame", 404),
        ("acme.localhost:8000", "/", 302),
        ("acme.localhost:8000", "/inbox/", 302),
        ("acme.localhost:8000", "/staff/", 404),
        ("acme.localhost:8000", "/sign-up/", 404),
        ("acme.localhost:8000", "/home/", 404),
        ("acme.localhost:8000", "/dev/mail/", 404),
        ("widget.localhost:8000", "/", 404),
        ("widget.localhost:8000", "/staff/", 404),
        ("widget.localhost:8000", "/sign-in/", 404),
        ("demo.localhost:8000", "/", 200),
        ("demo.localhost:8000", "/staff/", 404),
        ("nobody.localhost:8000", "/", 404),
        ("nobody.localhost:8000", "/sign-in/", 404),
        ("a.acme.localhost:8000", "/", 404),
        ("127.0.0.1:8000", "/", 404),
        ("evil.example", "/staff/", 404),
        ("bad host", "/", 400),
        ("", "/", 400),
    ],
)
def test_each_host_has_its_own_pages(cast: dict[str, TenantRef], host: str, path: str, status: int) -> None:
    assert get(host, path).status_code == status


def test_a_suspended_tenant_has_one_page(make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    Tenant.objects.filter(id=tenant.id).update(status="suspended")
    forget(tenant.id)
    host = f"{tenant.slug}.localhost:8000"
    for path in ("/", "/inbox/", "/nowhere/"):
        answer = get(host, path)
        assert answer.status_code == 403
        assert b"is suspended" in answer.content
    assert get(host, "/api/v1/me").json()["error"]["code"] == "forbidden"


def test_a_domain_of_the_tenant_is_its_host_too(make_tenant: MakeTenant, browser: Browser) -> None:
    tenant = make_tenant()
    host = f"chat.{tenant.slug}.example"
    Domain.objects.create(tenant_id=tenant.id, domain=host, is_primary=False)
    forget(tenant.id)
    page = browser.sign_in(f"http://{host}/sign-in/?next=/api/v1/me", f"owner@{tenant.slug}.example")
    assert browser.url.startswith(PLATFORM), "no redirect: the policy of the sign-in page would stop it"
    onward = page.context["url"]
    assert onward.startswith(f"http://{host}/sign-in/code/?code=")
    assert browser.follow(browser.get(onward)).json()["tenant"]["slug"] == tenant.slug


def test_a_code_is_never_sent_to_a_host_of_somebody_else(make_tenant: MakeTenant, browser: Browser) -> None:
    tenant = make_tenant()
    for host in ("evil.example", "acme.localhost:8000", "evil.localhost", f"{tenant.slug}.localhost:8000@evil.example"):
        browser.sign_in(f"{PLATFORM}/home/", f"owner@{tenant.slug}.example")
        asked = f"{PLATFORM}/hand-over/?tenant={tenant.slug}&nonce={'0' * 64}&host={host}"
        assert browser.get(asked)["Location"].startswith(f"http://{tenant.slug}.localhost:8000/sign-in/code/")


@pytest.mark.parametrize(
    ("host", "path"),
    [("localhost:8000", "/"), ("localhost:8000", "/sign-in/"), ("localhost:8000", "/nope/"), ("nobody.localhost:8000", "/")],
)
def test_pages_run_nothing_inline_and_cannot_be_framed(host: str, path: str) -> None:
    answer = get(host, path)
    policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
    assert policy["script-src"] == policy["style-src"] == policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    page = answer.content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert " onclick=" not in page
    assert all("src=" in tag or "application/json" in tag for tag in page.split("<script")[1:])


def test_only_staff_enter_the_staff_console(browser: Browser, ada: User) -> None:
    assert browser.sign_in(f"{PLATFORM}/staff/", "ada@acme.example").status_code == 403
    User.objects.update_or_create(
        email="staff@porchlight.example",
        defaults={"name": "Staff", "is_staff": True, "is_superuser": True, "password": ada.password},
    )
    staff = Browser()
    assert staff.sign_in(f"{PLATFORM}/staff/", "staff@porchlight.example").status_code == 200
    for page in (
        "",
        "tenants/tenant/",
        "tenants/user/",
        "tenants/membership/",
        "money/tenants/",
        "money/metering/",
        "procrastinate/procrastinatejob/",
    ):
        answer = staff.get(f"{PLATFORM}/staff/{page}")
        assert answer.status_code == 200
        assert "'unsafe-inline'" in answer["Content-Security-Policy"]
    assert b"Acme" in staff.get(f"{PLATFORM}/staff/tenants/tenant/?q=acme").content
    assert staff.get(f"{PLATFORM}/staff/tenants/tenant/add/").status_code == 403
    for secret in ("mfa/authenticator/", "token_blacklist/outstandingtoken/", "sessions/session/"):
        assert staff.get(f"{PLATFORM}/staff/{secret}").status_code == 404


def test_staff_suspend_a_tenant_at_once(browser: Browser, make_tenant: MakeTenant, ada: User) -> None:
    tenant, email = make_tenant(), f"{uuid4().hex}@porchlight.example"
    User.objects.create(email=email, name="Staff", is_staff=True, is_superuser=True, password=ada.password)
    host = f"{tenant.slug}.localhost:8000"
    assert get(host, "/inbox/").status_code == 302
    page = f"{PLATFORM}/staff/money/tenants/{tenant.id}/"
    assert browser.sign_in(page, email).status_code == 200
    assert browser.post(f"{page}suspend/", {"reason": "They send what nobody asked for."}).status_code == 302
    assert get(host, "/inbox/").status_code == 403
