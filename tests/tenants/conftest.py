"""A new tenant, and one who answers in it."""

import pytest

from tenants.context import TenantRef
from tenants.models import Membership, Role
from tests.support.cast import MakeTenant
from tests.support.people import join


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    """A new one."""
    return make_tenant()


@pytest.fixture
def nell(tenant: TenantRef) -> Membership:
    """An agent."""
    return join(tenant, Role.AGENT, "Nell")
