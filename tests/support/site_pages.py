"""Somebody of a tenant before the pages of one site."""

import re
from typing import Any

from chat.models import Site
from tenants.context import TenantRef, in_tenant
from tests.support.web import Browser, Page

SHOP = "https://shop.example"


class Owner:
    """Signed in; the tenant's owner unless another address is given."""

    def __init__(self, tenant: TenantRef, site: Site, email: str = "") -> None:
        self.tenant, self.site, self.browser = tenant, site, Browser()
        self.host = f"http://{tenant.slug}.localhost:8000"
        self.browser.sign_in(f"{self.host}/billing/", email or f"owner@{tenant.slug}.example")

    def get(self, path: str = "") -> Page:
        """A page of the site."""
        return self.browser.get(f"{self.host}/sites/{self.site.id}/{path}")

    def post(self, path: str, **data: Any) -> Page:
        """The answer to a form of the site."""
        return self.browser.post(f"{self.host}/sites/{self.site.id}/{path}", data)

    def keep(self, path: str, **data: Any) -> Page:
        """Send the page's form with these values in the place of what it shows."""
        return self.post(path, **{**fields(self.get(path)), **data})

    def stored(self) -> Site:
        """The site as it is kept."""
        with in_tenant(self.tenant):
            return Site.objects.get(id=self.site.id)


def fields(page: Page) -> dict[str, str]:
    """What the page's main form shows, by name."""
    form = page.context["form"]
    return {name: form[name].value() or "" for name in form.fields}


def said(page: Page) -> str:
    """The page's words, as people read them."""
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))
    return words.replace("&#x27;", "'")
