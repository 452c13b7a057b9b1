"""Nell, who lost her second factor, and two of the staff who may help her."""

import pytest

from tenants.context import TenantRef
from tenants.models import Role, User
from tests.support.cast import MakeTenant
from tests.support.people import give_factor, join


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    return make_tenant()


@pytest.fixture
def staff_group() -> str:
    return "support"


@pytest.fixture
def nell(tenant: TenantRef) -> User:
    """An agent with a second factor."""
    user = join(tenant, Role.AGENT, "Nell").user
    give_factor(user)
    return user
