"""Two tenants: one that is tried, and that of those who try."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from chat.services.sites import change_site
from chat.services.visitors import ensure_visitor
from tenants.context import in_tenant
from tests.isolation.strangers import SHOP, House
from tests.support.cast import MakeTenant, make_user
from tests.support.talk import embed_key, room_of, visitor


@pytest.fixture
def build(make_tenant: MakeTenant) -> Callable[[], House]:
    def build_house() -> House:
        owner = make_user(f"{uuid4().hex}@house.example", "Olga")
        tenant = make_tenant(owner=owner)
        site_id = embed_key(tenant).site_id
        change_site(tenant, site_id, allowed_origins=[SHOP])
        secret = f"secret-{uuid4().hex}"
        vic = visitor(tenant)
        with in_tenant(tenant):
            handle = ensure_visitor(site_id, None).handle
        return House(tenant, owner, vic, handle, room_of(tenant, vic, secret), secret)

    return build_house


@pytest.fixture
def mine(build: Callable[[], House]) -> House:
    """The tenant that is tried."""
    return build()


@pytest.fixture
def theirs(build: Callable[[], House]) -> House:
    """The tenant of those who try."""
    return build()
