"""First steps of a tenant with many sites: a tag on a page that nobody named is told of whichever site it is."""

import pytest

from chat.models import Site, TagSeen
from chat.origins import MOST
from chat.services.sites import create_site
from tenants.context import TenantRef, in_tenant
from tests.chat.test_start import name_it_too, name_page, see_tag, text, url
from tests.support.web import Browser


@pytest.fixture
def owner(tenant: TenantRef) -> str:
    return f"owner@{tenant.slug}.example"


def test_it_is_named_for_the_site_whose_tag_it_was(browser: Browser, tenant: TenantRef, owner: str) -> None:
    """A second site's tag, on a page that the first site may have and the second may not."""
    name_page(tenant)
    second = create_site(tenant, name="Second", allowed_origins=["https://blog.example"])
    with in_tenant(tenant):
        for origin in ("https://blog.example", "https://shop.example"):
            TagSeen.objects.create(site_id=second.site_id, key=second.embed_key, origin=origin, page=origin)
    page = text(browser.sign_in(url(tenant), owner))
    assert "The tag of <bdi>Second</bdi> was seen on" in page
    assert "We saw your tag on" in page, "of whichever site"
    assert "which is not named" not in text(name_it_too(browser, page))
    with in_tenant(tenant):
        assert Site.objects.get(id=second.site_id).allowed_origins == ["https://blog.example", "https://shop.example"]
        assert Site.objects.exclude(id=second.site_id).get().allowed_origins == ["https://shop.example"]


def test_each_site_has_its_own_button(browser: Browser, tenant: TenantRef, owner: str) -> None:
    name_page(tenant)
    see_tag(tenant, "https://www.shop.example")
    for number in range(2):
        made = create_site(tenant, name=f"More {number}")
        with in_tenant(tenant):
            TagSeen.objects.create(site_id=made.site_id, key=made.embed_key, origin=f"https://more{number}.example")
    page = text(browser.sign_in(url(tenant), owner))
    assert page.count("which is not named") == 3
    for left in (2, 1, 0):
        page = text(name_it_too(browser, page))
        assert page.count("which is not named") == left


def test_one_too_many_is_said(browser: Browser, tenant: TenantRef, owner: str) -> None:
    with in_tenant(tenant):
        Site.objects.update(allowed_origins=[f"https://shop{number}.example" for number in range(MOST)])
    see_tag(tenant, "https://www.shop.example")
    page = text(browser.sign_in(url(tenant), owner))
    assert f"There are {MOST + 1} addresses; {MOST} is the most." in text(name_it_too(browser, page))
