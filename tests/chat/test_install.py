"""The page with the script tag: every member reads it, owners and admins say where the site may be shown."""

from uuid import uuid4

import pytest

from chat.models import Site
from tenants.context import TenantRef, in_tenant
from tenants.models import EmbedKey, Membership, Role
from tenants.resolve import forget
from tests.support.cast import MakeTenant, make_user
from tests.support.web import Browser, Page


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    return make_tenant()


def page_of(tenant: TenantRef) -> str:
    return f"http://{tenant.slug}.localhost:8000/install/"


def site_of(tenant: TenantRef) -> Site:
    with in_tenant(tenant):
        return Site.objects.get()


def keep(browser: Browser, tenant: TenantRef, origins: str, site: object = None) -> Page:
    """The answer to the form, sent by the owner."""
    browser.sign_in(page_of(tenant), f"owner@{tenant.slug}.example")
    return browser.post(page_of(tenant), {"site": str(site or site_of(tenant).id), "origins": origins})


def test_the_owner_finds_the_tag(browser: Browser, tenant: TenantRef) -> None:
    page = browser.sign_in(page_of(tenant), f"owner@{tenant.slug}.example").content.decode()
    key = EmbedKey.objects.get(tenant_id=tenant.id).key
    assert f"src=&quot;http://widget.localhost:8000/porchlight.js&quot; data-key=&quot;{key}&quot;" in page


def test_it_says_so_until_an_address_is_named(browser: Browser, tenant: TenantRef) -> None:
    nowhere = "No page may show it yet."
    assert nowhere in browser.sign_in(page_of(tenant), f"owner@{tenant.slug}.example").content.decode()
    keep(browser, tenant, "https://shop.example")
    assert nowhere not in browser.get(page_of(tenant)).content.decode()


def test_addresses_are_kept(browser: Browser, tenant: TenantRef) -> None:
    assert keep(browser, tenant, " https://Shop.example/cart \nhttps://*.shop.example\n\n").status_code == 302
    assert site_of(tenant).allowed_origins == ["https://shop.example", "https://*.shop.example"]
    assert "https://*.shop.example" in browser.get(page_of(tenant)).content.decode()


@pytest.mark.parametrize("bad", ["shop.example", "https://*", "javascript:alert(1)", "https://a@b.example", "*", "null"])
def test_what_is_no_address_is_refused_beside_the_field_and_kept(browser: Browser, tenant: TenantRef, bad: str) -> None:
    answer = keep(browser, tenant, f"https://shop.example\n{bad}")
    assert answer.status_code == 422
    assert "is not an address like https://shop.example" in answer.content.decode()
    assert f"https://shop.example\n{bad}" in answer.content.decode()
    assert site_of(tenant).allowed_origins == []


def test_a_site_of_another_tenant_is_not_there(browser: Browser, tenant: TenantRef, make_tenant: MakeTenant) -> None:
    other = make_tenant()
    assert keep(browser, tenant, "https://shop.example", site=site_of(other).id).status_code == 422
    assert keep(browser, tenant, "https://shop.example", site=uuid4()).status_code == 422
    assert keep(browser, tenant, "https://shop.example", site="x").status_code == 422
    assert site_of(other).allowed_origins == []


@pytest.mark.parametrize(("role", "status"), [(Role.ADMIN, 302), (Role.AGENT, 403), (Role.VIEWER, 403)])
def test_only_who_manages_sites_may_change_them(browser: Browser, tenant: TenantRef, role: Role, status: int) -> None:
    user = make_user(f"{uuid4().hex}@role.example", "Rolf")
    Membership.objects.create(tenant_id=tenant.id, user=user, role=role)
    forget(tenant.id)
    assert browser.sign_in(page_of(tenant), user.email).status_code == 200
    answer = browser.post(page_of(tenant), {"site": str(site_of(tenant).id), "origins": "https://shop.example"})
    assert answer.status_code == status
    assert bool(site_of(tenant).allowed_origins) == (status == 302)


def test_a_stranger_is_sent_to_sign_in(browser: Browser, tenant: TenantRef) -> None:
    assert browser.get(page_of(tenant))["Location"] == "/sign-in/?next=%2Finstall%2F"
