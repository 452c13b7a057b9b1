"""Who acts in the tests of rooms and sites."""

import pytest

from chat.models import Site
from chat.services.tags import lately
from tenants.context import TenantRef, in_tenant
from tenants.models import Role
from tenants.tokens import Principal
from tests.support.api import Program, signed_in
from tests.support.cast import MakeTenant
from tests.support.community import team_member
from tests.support.console import Desk
from tests.support.site_pages import Owner
from tests.support.web import Browser


@pytest.fixture
def ada_(acme: TenantRef) -> Principal:
    """The owner of acme."""
    return team_member(acme, Role.OWNER)


@pytest.fixture
def program(acme: TenantRef) -> Program:
    """Ada's."""
    return signed_in(acme, "ada@acme.example")


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    """One that no other test knows."""
    return make_tenant()


@pytest.fixture
def site(tenant: TenantRef) -> Site:
    """Its only one."""
    with in_tenant(tenant):
        return Site.objects.get()


@pytest.fixture
def owner(tenant: TenantRef, site: Site) -> Owner:
    """Before that site; nothing of it was noted yet."""
    lately.forget()
    return Owner(tenant, site)


@pytest.fixture
def admin(tenant: TenantRef) -> Principal:
    """An admin of that tenant, beside its owner."""
    return team_member(tenant, Role.ADMIN)


@pytest.fixture
def keeper(tenant: TenantRef) -> Principal:
    """An agent of that tenant."""
    return team_member(tenant, Role.AGENT)


@pytest.fixture
def olga(tenant: TenantRef, browser: Browser) -> Desk:
    """Its owner, in a browser before its pages."""
    return Desk(tenant, browser, f"owner@{tenant.slug}.example")
