"""Who loses their seat while they are in a room is out of it at once."""

import asyncio
from dataclasses import replace

import pytest

from chat.consumers.hello import welcome
from chat.realtime.hub import Hub, hub
from chat.realtime.protocol.codes import VERSION, Close
from chat.realtime.protocol.incoming import Hello
from tenants import services
from tenants.context import run_on_platform
from tenants.models import Membership, Role
from tenants.tokens import Principal
from tests.support.patience import PATIENCE
from tests.support.sessions import Sink, session_of
from tests.support.shop import Shop


async def in_a_room(hub_: Hub, shop: Shop, who: Principal) -> tuple[Sink, Principal]:
    """The agent, signed in, with a visitor's room open."""
    visitor = await shop.visitor()
    room = await shop.room(visitor, "Hello?")
    signed_in = await run_on_platform(_signed_in, who)
    session, sink = session_of(shop.tenant, signed_in)
    hub_.enter(session)
    await hub_.enter_room(session, room)
    return sink, signed_in


def _signed_in(who: Principal) -> Principal:
    return replace(who, sid=str(services.record_sign_in(user_id=who.id, tenant_id=who.tenant_id).id))


def _lose(who: Principal, by: str) -> None:
    member = Membership.objects.get(tenant_id=who.tenant_id, user_id=who.id)
    if by == "role":
        services.change_role(member, Role.VIEWER)
    else:
        services.disable(member)


@pytest.mark.parametrize("by", ["role", "leaving"])
async def test_a_seat_removed_while_its_holder_is_in_a_room_closes_their_sockets(shop: Shop, by: str) -> None:
    agent, other = await shop.member("agent"), await shop.member("agent")
    here = hub()
    lost, who = await in_a_room(here, shop, agent)
    kept, _ = await in_a_room(here, shop, other)
    await run_on_platform(_lose, who, by)
    async with asyncio.timeout(PATIENCE):
        while lost.code is None:
            await asyncio.sleep(0.01)
    assert lost.code == Close.REVOKED
    assert kept.code is None
    await here.stop()


@pytest.mark.parametrize("by", ["role", "leaving", None])
async def test_a_seat_removed_between_hello_and_welcome_is_not_welcomed(shop: Shop, by: str | None) -> None:
    """The order found no socket: it had proved who it was, and waited for its turn."""
    agent = await run_on_platform(_signed_in, await shop.member("agent"))
    if by:
        await run_on_platform(_lose, agent, by)
    session, sink = session_of(shop.tenant, agent)
    await welcome(session, Hello(v=VERSION, token=""))
    assert sink.code == (Close.REVOKED if by else None)
    assert bool(sink.came("welcome")) is not bool(by)
    await hub().stop()
