"""Access that changes reaches sockets that are open, on whatever process: a suspension, a seat taken away, a larger plan."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from billing.selectors.plans import seats_used
from saas.up.redis import RedisServer
from tenants.context import TenantRef, run_on_platform
from tests.realtime.test_plan_limits import use_up
from tests.support import cluster
from tests.support.cast import MakeTenant
from tests.support.pair import PATIENTLY
from tests.support.server import Server, make_server
from tests.support.shop import Shop, shop_of
from tests.support.sockets import Doors
from tests.support.stored import texts

pytestmark = pytest.mark.xdist_group("realtime-access")


@pytest.fixture
def usual_plan() -> str:
    return "free"


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    with RedisServer() as url:
        yield url


@pytest.fixture(scope="module")
def server(cast: dict[str, TenantRef], redis: str) -> Iterator[Server]:
    """One with Redis, which hears what another process does."""
    server = make_server(redis_url=redis).start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def doors(server: Server) -> Doors:
    return Doors(server)


@pytest.fixture
def shop(make_tenant: MakeTenant) -> Shop:
    return shop_of(make_tenant)


def elsewhere(redis: str, *lines: str) -> None:
    """Python in a process of its own that serves nobody, as a job's or a staff member's request would run it."""
    cluster.manage("shell", "--no-imports", "-c", "\n".join([PATIENTLY, *lines]), REDIS_URL=redis)


async def test_a_suspension_ends_every_socket_and_lifting_it_lets_in_again(doors: Doors, redis: str, shop: Shop) -> None:
    visitor = await shop.visitor()
    staff = "from billing.services.audit import Actor; sam = Actor('sam@porchlight.example', is_staff=True)"
    act = f"from uuid import UUID; from billing.services import access; tenant = UUID('{shop.tenant.id}')"
    async with doors.agent(shop.tenant, shop.owner) as inbox, doors.visitor(shop.tenant, visitor) as widget:
        room = await widget.open("Hello?")
        await run_on_platform(elsewhere, redis, staff, act, "access.suspend(tenant, actor=sam, reason='Spam.')")
        await inbox.expect_close(4410)
        await widget.expect_close(4410)
    await run_on_platform(elsewhere, redis, staff, act, "access.lift(tenant, actor=sam, reason='They stopped.')")
    async with doors.visitor(shop.tenant, visitor) as widget:
        await widget.join(room)
        await widget.send(room, "Back again")
    assert await texts(shop.tenant, room) == ["Hello?", "Back again"]


async def test_a_seat_taken_away_while_its_holder_is_in_a_room(doors: Doors, redis: str, shop: Shop) -> None:
    visitor, ben = await shop.visitor(), await shop.member("agent")
    room = await shop.room(visitor, "Hello?")
    assert await run_on_platform(seats_used, shop.tenant.id) == 2
    async with doors.agent(shop.tenant, ben) as his, doors.agent(shop.tenant, shop.owner) as hers:
        await his.join(room)
        await hers.join(room)
        await his.send(room, "One moment")
        take = f"disable(Membership.objects.get(tenant_id='{shop.tenant.id}', user_id='{ben.id}'))"
        imports = "from tenants.models import Membership; from tenants.services import disable"
        await run_on_platform(elsewhere, redis, imports, take)
        await his.expect_close(4401)
        await hers.send(room, "I take over")
    assert await texts(shop.tenant, room) == ["Hello?", "One moment", "I take over"]
    assert await run_on_platform(seats_used, shop.tenant.id) == 1


async def test_a_larger_plan_lets_the_team_send_at_once(doors: Doors, redis: str, shop: Shop) -> None:
    visitor = await shop.visitor()
    room = await shop.room(visitor, "Hello?")
    await run_on_platform(use_up, shop.tenant)
    async with doors.agent(shop.tenant, shop.owner) as inbox:
        await inbox.join(room)
        await inbox.say("send", cid=uuid4(), room=room, text="Too many")
        await inbox.expect_error("plan_limit")
        imports = "from uuid import UUID; from billing.services.comps import give_key"
        await run_on_platform(elsewhere, redis, imports, f"give_key(UUID('{shop.tenant.id}'), 'team', seats=1)")
        while True:  # until the order has come, and the plan was read anew
            cid = str(uuid4())
            await inbox.say("send", cid=cid, room=room, text="Here we are")
            answer = await inbox.expect_one(lambda frame: frame.get("cid") == cid, "an answer")  # noqa: B023
            if answer["t"] != "err":
                break
    assert await texts(shop.tenant, room) == ["Hello?", "Here we are"]
