"""A tenant of one test alone, with people as it needs them."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from tenants.context import TenantRef, run_on_platform
from tenants.models import Membership, Role, User
from tenants.tokens import Principal
from tests.support import talk
from tests.support.cast import MakeTenant, make_user
from tests.support.sockets import key_of


@dataclass(frozen=True, slots=True)
class Shop:
    """A tenant of one test alone: what is counted in it is this test's."""

    tenant: TenantRef
    owner: Principal

    async def visitor(self) -> Principal:
        """A new visitor."""
        return await run_on_platform(talk.visitor, self.tenant)

    async def member(self, role: str) -> Principal:
        """A new member with this role."""
        return await run_on_platform(_member, self.tenant, role)

    async def room(self, who: Principal, *lines: str) -> UUID:
        """A room of the visitor in which they said this."""
        return await run_on_platform(talk.room_of, self.tenant, who, *lines)


def owner_email(tenant: TenantRef) -> str:
    """With which the owner of a tenant made by `make_tenant` signs in."""
    return f"owner@{tenant.slug}.example"


def _member(tenant: TenantRef, role: str) -> Principal:
    user = make_user(f"{uuid4().hex[:8]}@{tenant.slug}.example", role.title())
    Membership.objects.create(tenant_id=tenant.id, user=user, role=role)
    return talk.agent(tenant, user, role)


@pytest.fixture
def shop(make_tenant: MakeTenant) -> Shop:
    return shop_of(make_tenant)


def shop_of(make_tenant: MakeTenant) -> Shop:
    """One more."""
    tenant = make_tenant()
    key_of(tenant)
    owner = User.objects.get(email=owner_email(tenant))
    return Shop(tenant, talk.agent(tenant, owner, Role.OWNER))
