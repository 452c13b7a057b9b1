"""One spawned server per kind and test process, its two doors, and people who are at them."""

from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import pytest

from chat.realtime import hub as hubs
from chat.realtime.hub import Hub
from tenants.context import TenantRef
from tenants.models import Role, User
from tenants.tokens import Principal
from tests.support import talk
from tests.support.desk import Desk
from tests.support.pair import Pair, Sides, a_pair
from tests.support.polls import HttpDoors
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
def web(server: Server, acme: TenantRef, globex: TenantRef) -> Iterator[HttpDoors]:
    """The server's doors for requests. Whatever the test does there, the server's log must stay quiet."""
    before = len(server.complaints())
    key_of(acme), key_of(globex)
    yield HttpDoors(server)
    assert server.complaints()[before:] == []


@pytest.fixture(scope="module")
def pair(cast: dict[str, TenantRef]) -> Iterator[Pair]:
    """Two servers of the shipped kind, and Redis between them."""
    with a_pair() as pair:
        yield pair


@pytest.fixture
def sides(pair: Pair, acme: TenantRef) -> Iterator[Sides]:
    """The doors of both servers of the pair. Whatever the test does there, their logs must stay quiet."""
    before = len(pair.complaints())
    key_of(acme)
    yield Doors(pair.left), Doors(pair.right)
    assert pair.complaints()[before:] == []


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    """The hub of this loop, that of this process meanwhile; it hears nobody."""
    hub = Hub()
    monkeypatch.setattr(hubs, "_hub", hub)
    yield hub
    await hub.others.stop()


@pytest.fixture
async def storing(hub: Hub) -> AsyncIterator[Hub]:
    """The same hub, which stores."""
    hub.journal.start()
    yield hub
    await hub.journal.stop()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """The notes of one process about what messages make due."""
    desk = Desk()
    yield desk
    desk.close()


@pytest.fixture
def vic(acme: TenantRef) -> Principal:
    """A new visitor of acme."""
    key_of(acme)  # which coroutines may not look up
    return talk.visitor(acme)


@pytest.fixture
def val(globex: TenantRef) -> Principal:
    """A new visitor of globex."""
    key_of(globex)  # which coroutines may not look up
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
