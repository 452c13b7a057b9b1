"""A tenant that is suspended or closed: its sockets end, also those that were not to be found when the order came."""

import asyncio

import pytest

from chat.consumers.hello import welcome
from chat.realtime import beats as module
from chat.realtime.beats import Beats
from chat.realtime.hub import Hub
from chat.realtime.protocol.codes import VERSION, Close
from chat.realtime.protocol.incoming import Hello
from chat.realtime.session import Session
from tenants import resolve
from tenants.context import TenantRef, run_on_platform
from tenants.models import Tenant
from tests.support.patience import PATIENCE
from tests.support.sessions import Sink, session_of
from tests.support.shop import Shop
from tests.support.sockets import key_of

KINDS = ["visitor", "agent"]


async def at_the_door(shop: Shop, kind: str) -> tuple[Session, Sink]:
    """A socket that was let in and has not said hello."""
    session, sink = session_of(shop.tenant, await (shop.visitor() if kind == "visitor" else shop.member("agent")))
    session.key = key_of(shop.tenant) if kind == "visitor" else ""
    return session, sink


async def shut(tenant: TenantRef, status: str) -> None:
    def change() -> None:
        Tenant.objects.filter(id=tenant.id).update(status=status)

    await run_on_platform(change)
    resolve.forget(tenant.id)  # or a minute later


async def pinged(sink: Sink, times: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while len(sink.came("ping")) < times and sink.code is None:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [Tenant.Status.SUSPENDED, Tenant.Status.CLOSED])
async def test_who_says_hello_after_it_was_shut_is_not_welcomed(hub: Hub, shop: Shop, kind: str, status: str) -> None:
    session, sink = await at_the_door(shop, kind)
    await shut(shop.tenant, status)
    await welcome(session, Hello(v=VERSION, token=""))
    assert (sink.code, sink.frames) == (Close.SUSPENDED, [])
    hub.leave(session)


@pytest.mark.parametrize("kind", KINDS)
async def test_who_says_hello_to_one_that_is_open_is_welcomed(hub: Hub, shop: Shop, kind: str) -> None:
    session, sink = await at_the_door(shop, kind)
    await shut(shop.tenant, Tenant.Status.ACTIVE)
    await welcome(session, Hello(v=VERSION, token=""))
    assert (sink.code, len(sink.came("welcome"))) == (None, 1)
    hub.leave(session)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [Tenant.Status.SUSPENDED, Tenant.Status.CLOSED])
async def test_whom_no_order_reached_is_ended_by_a_beat(
    hub: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch, kind: str, status: str
) -> None:
    monkeypatch.setattr(module, "PING_SECONDS", 1)
    beats, (session, sink) = Beats(), await at_the_door(shop, kind)
    session.heard = beats.loop.time() + 1_000
    hub.enter(session)
    beats.add(session)
    await pinged(sink, 1)
    assert sink.code is None
    await shut(shop.tenant, status)
    await pinged(sink, 4)
    beats._task.cancel()
    assert sink.code == Close.SUSPENDED
    hub.leave(session)
