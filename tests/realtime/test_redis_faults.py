"""Redis stuck, emptied or gone in parts: it costs the others a moment, and nobody a message."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from uuid import UUID

import pytest
import redis
from redis import Redis

from chat.realtime import groups
from chat.realtime.bus import number_among
from saas.layers import names_of
from saas.up.redis import RedisServer
from tenants.context import TenantRef, run_on_platform
from tests.support.cast import MakeTenant
from tests.support.pair import doorbell_rings, two_servers
from tests.support.patience import PATIENCE
from tests.support.server import Server
from tests.support.shop import Shop, shop_of
from tests.support.sockets import ChatSocket, Doors
from tests.support.stored import texts

pytestmark = [pytest.mark.xdist_group("realtime-redis-faults"), pytest.mark.chaos]


@dataclass
class Primary:
    """One Redis, and a way to hold its process."""

    url: str

    @property
    def client(self) -> "Redis":
        return redis.Redis.from_url(self.url, decode_responses=True)

    @contextmanager
    def stuck(self) -> Iterator[None]:
        """It answers nobody, and refuses nobody."""
        with self.client as client:
            pid = int(client.info("server")["process_id"])
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@dataclass
class Pair:
    """Two servers, and two Redis primaries between them."""

    left: Server
    right: Server
    primaries: list[Primary]

    def primary_of(self, tenant: TenantRef) -> Primary:
        """Where what the tenant has to tell lies."""
        return self.primaries[self.number_of(tenant)]

    def number_of(self, tenant: TenantRef) -> int:
        urls = [primary.url for primary in self.primaries]
        return number_among(names_of(urls))(groups.place_of(groups.inbox(tenant.id)))


@pytest.fixture(scope="module")
def pair(cast: dict[str, TenantRef]) -> Iterator[Pair]:
    with RedisServer() as first, RedisServer() as second, two_servers(f"{first} {second}") as (left, right):
        yield Pair(left, right, [Primary(first), Primary(second)])


@dataclass
class Place:
    """A tenant's visitor on the left and its owner on the right, in one room."""

    shop: Shop
    room: UUID
    widget: ChatSocket
    inbox: ChatSocket

    async def say(self, count: int) -> None:
        """So many lines, each after the ack of the one before."""
        for number in range(count):
            await self.widget.send(self.room, f"line {number}")

    async def all_is_there(self) -> None:
        """Both have heard all that is stored, in order."""
        said = await texts(self.shop.tenant, self.room)
        async with asyncio.timeout(PATIENCE):
            while not all(socket.came("msg", room=str(self.room), seq=len(said)) for socket in (self.widget, self.inbox)):
                await asyncio.sleep(0.02)
        assert self.widget.lines(self.room) == said[1:]
        assert self.inbox.lines(self.room) == said[1:]


class Meeting:
    """Opens places on both servers."""

    def __init__(self, pair: Pair) -> None:
        self.left, self.right = Doors(pair.left), Doors(pair.right)
        self._open = AsyncExitStack()

    async def place(self, shop: Shop) -> Place:
        who = await shop.visitor()
        room = await shop.room(who, "hello")
        widget = await self._open.enter_async_context(self.left.visitor(shop.tenant, who))
        inbox = await self._open.enter_async_context(self.right.agent(shop.tenant, shop.owner))
        await widget.join(room)
        await inbox.join(room)
        return Place(shop, room, widget, inbox)

    async def end(self) -> None:
        await self._open.aclose()


@pytest.fixture
async def meeting(pair: Pair) -> AsyncIterator[Meeting]:
    meeting = Meeting(pair)
    yield meeting
    await meeting.end()


async def test_no_send_and_no_join_waits_for_a_stuck_redis(pair: Pair, meeting: Meeting, shop: Shop) -> None:
    place = await meeting.place(shop)
    await doorbell_rings(place.widget, place.inbox, place.room)
    with pair.primary_of(shop.tenant).stuck():  # for as long as all of this takes
        await place.say(20)
        await place.all_is_there()  # the right side reads from the database
        late = await meeting.place(shop)
        await late.say(3)
        await late.all_is_there()
    await doorbell_rings(place.widget, place.inbox, place.room)
    await place.all_is_there()


async def test_a_stuck_primary_silences_only_the_tenants_on_it(pair: Pair, meeting: Meeting, make_tenant: MakeTenant) -> None:
    shops = await _one_on_each(pair, make_tenant)
    hit, spared = [await meeting.place(shop) for shop in shops]
    await doorbell_rings(hit.widget, hit.inbox, hit.room)
    with pair.primary_of(hit.shop.tenant).stuck():
        await hit.say(5)
        await doorbell_rings(spared.widget, spared.inbox, spared.room)
        await hit.all_is_there()
    await doorbell_rings(hit.widget, hit.inbox, hit.room)
    for place in (hit, spared):
        await place.all_is_there()


async def test_an_emptied_redis_forgets_nothing_that_counts(pair: Pair, meeting: Meeting, shop: Shop) -> None:
    place = await meeting.place(shop)
    await doorbell_rings(place.widget, place.inbox, place.room)
    for primary in pair.primaries:
        primary.client.flushall()
    await doorbell_rings(place.widget, place.inbox, place.room)
    await place.all_is_there()


async def test_subscriptions_that_were_cut_are_made_again(pair: Pair, meeting: Meeting, shop: Shop) -> None:
    """As after a failover to an empty Redis: it is there, and knows nobody."""
    place = await meeting.place(shop)
    await doorbell_rings(place.widget, place.inbox, place.room)
    for primary in pair.primaries:
        primary.client.flushall()
        primary.client.client_kill_filter(_type="pubsub")
        primary.client.client_kill_filter(_type="normal", skipme=True)
    await place.say(10)
    await place.all_is_there()
    await doorbell_rings(place.widget, place.inbox, place.room)
    await place.all_is_there()


async def _one_on_each(pair: Pair, make_tenant: MakeTenant) -> list[Shop]:
    found: dict[int, Shop] = {}
    while len(found) < 2:
        shop = await run_on_platform(shop_of, make_tenant)
        found[pair.number_of(shop.tenant)] = shop
    return [found[0], found[1]]
