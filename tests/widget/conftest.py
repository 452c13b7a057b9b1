"""A site that one shop may embed, and its widget."""

import pytest

from chat.services.identity import IdentityKey
from chat.services.sites import change_site
from tenants.context import TenantRef
from tests.support.cast import MakeTenant
from tests.support.identities import new_key
from tests.support.talk import embed_key
from tests.support.widgets import SHOP, Widget, browser


@pytest.fixture
def shop(make_tenant: MakeTenant) -> TenantRef:
    """A tenant of the test's own: its visitors can be counted."""
    return make_tenant()


@pytest.fixture
def widget(shop: TenantRef) -> Widget:
    """The shop's site, on shop.example and its subdomains."""
    key = embed_key(shop)
    change_site(shop, key.site_id, allowed_origins=[SHOP, "https://*.shop.example"])
    return Widget(key.key, browser())


@pytest.fixture
def key(shop: TenantRef) -> IdentityKey:
    """The shop's first key, as its backend holds it."""
    return new_key(shop)
