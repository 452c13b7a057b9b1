"""One spawned server per kind and test process, its two doors, and people of a tenant that no other test knows."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from tenants.context import TenantRef, run_on_platform
from tenants.models import Membership, Role, User
from tenants.tokens import Principal
from tests.support import talk
from tests.support.cast import MakeTenant, make_user
from tests.support.server import Server, running
from tests.support.sockets import Doors, key_of

KINDS = [pytest.param(kind, marks=pytest.mark.xdist_group(f"realtime-{kind}")) for kind in ("uvicorn", "daphne")]


@pytest.fixture(scope="session", params=KINDS)
def server(request: pytest.FixtureRequest, cast: dict[str, TenantRef]) -> Iterator[Server]:
    """The same tests run under the shipped server, on the fast path, and under daphne, on the plain one."""
    with running(request.param) as server:
        yield server


@pytest.fixture
def doors(server: Server, acme: TenantRef, globex: TenantRef) -> Iterator[Doors]:
    """The server's doors. Whatever the test does there, the server's log must stay quiet."""
    before = len(server.complaints())
    key_of(acme), key_of(globex)
    yield Doors(server)
    assert server.complaints()[before:] == []


@pytest.fixture
def vic(acme: TenantRef) -> Principal:
    """A new visitor of acme."""
    return talk.visitor(acme)


@pytest.fixture
def val(globex: TenantRef) -> Principal:
    """A new visitor of globex."""
    return talk.visitor(globex)


@pytest.fixture
def agent_ben(acme: TenantRef, ben: User) -> Principal:
    return talk.agent(acme, ben)


@pytest.fixture
def agent_gus(globex: TenantRef, gus: User) -> Principal:
    return talk.agent(globex, gus, Role.OWNER)


@pytest.fixture
def room(acme: TenantRef, vic: Principal) -> UUID:
    """Vic's room, with two lines in it."""
    return talk.room_of(acme, vic, "one", "two")


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


def _member(tenant: TenantRef, role: str) -> Principal:
    user = make_user(f"{uuid4().hex[:8]}@{tenant.slug}.example", role.title())
    Membership.objects.create(tenant_id=tenant.id, user=user, role=role)
    return talk.agent(tenant, user, role)


@pytest.fixture
def shop(make_tenant: MakeTenant) -> Shop:
    tenant = make_tenant()
    key_of(tenant)
    owner = User.objects.get(email=f"owner@{tenant.slug}.example")
    return Shop(tenant, talk.agent(tenant, owner, Role.OWNER))
