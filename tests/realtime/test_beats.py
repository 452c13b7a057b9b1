"""The heartbeat goes on whatever becomes of the database."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from chat.consumers.allowance import counters_of
from chat.limits import SEND_PER_TENANT
from chat.realtime import beats as module
from chat.realtime.beats import Beats
from chat.realtime.protocol.codes import Close
from chat.realtime.protocol.incoming import Send
from saas.core import registry
from tenants import plans, resolve
from tenants.context import TenantRef, run_on_platform
from tenants.models import Membership
from tests.support.sessions import Sink, session_of, someone
from tests.support.shop import Shop


@pytest.fixture(autouse=True)
def _every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PING_SECONDS", 1)


async def pinged(sink: Sink, times: int) -> None:
    async with asyncio.timeout(10):
        while len(sink.came("ping")) < times:
            await asyncio.sleep(0.02)


async def test_a_database_that_does_not_answer_holds_up_no_ping(acme: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_args: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "read_in_tenant", never)
    monkeypatch.setattr(module, "READ_SECONDS", 2.5)
    beats = Beats()
    session, sink = session_of(acme, someone(acme))
    session.rooms[uuid4()] = True
    session.heard = (began := beats.loop.time()) + 1_000
    beats.add(session)
    await pinged(sink, 3)
    took = beats.loop.time() - began
    beats._task.cancel()
    assert took < 3 * 2.5  # each waits 2.5 s, but not one after the other


async def test_an_agent_who_is_none_any_more_is_found(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    beats, agent = Beats(), await shop.member("agent")
    session, sink = session_of(shop.tenant, agent)
    session.heard = beats.loop.time() + 1_000
    beats.add(session)
    await pinged(sink, 1)
    assert sink.code is None

    def dismiss() -> None:
        Membership.objects.filter(tenant_id=shop.tenant.id, user_id=agent.id).delete()

    await run_on_platform(dismiss)
    resolve.forget(shop.tenant.id)  # or a minute later
    async with asyncio.timeout(10):
        while sink.code is None:
            await asyncio.sleep(0.02)
    beats._task.cancel()
    assert sink.code == Close.REVOKED


async def test_a_changed_plan_counts_for_open_sockets(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    factors = {"chat.send.tenant": 2.0}
    hook = registry.Hook("limits_of_plan")
    hook.fill(lambda tenant: dict(factors) if tenant == shop.tenant else None)
    monkeypatch.setattr(registry, "limits_of_plan", hook)
    monkeypatch.setattr(registry, "tenant_changed", registry.Hook("tenant_changed"))
    registry.tenant_changed.fill(plans.forget_plan)
    beats = Beats()
    session, sink = session_of(shop.tenant, someone(shop.tenant))
    session.heard = beats.loop.time() + 1_000
    beats.add(session)
    await pinged(sink, 2)
    tenants_own = counters_of(session, Send)[-1]
    assert tenants_own.limit.times == 2 * SEND_PER_TENANT.times
    factors["chat.send.tenant"] = 4.0
    registry.tenant_changed(tenant_id=shop.tenant.id)
    await pinged(sink, len(sink.came("ping")) + 2)
    beats._task.cancel()
    assert counters_of(session, Send)[-1].limit.times == 4 * SEND_PER_TENANT.times
