"""The heartbeat goes on whatever becomes of the database."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError

from chat.consumers.allowance import counters_of
from chat.limits import SEND_PER_TENANT
from chat.realtime import beats as module
from chat.realtime.beats import Beats
from chat.realtime.hub import Hub
from chat.realtime.protocol.codes import Close
from chat.realtime.protocol.incoming import Send
from saas.core import registry
from tenants import plans, resolve
from tenants.context import TenantRef, run_on_platform
from tenants.models import Membership
from tests.support.patience import PATIENCE
from tests.support.sessions import Sink, at, session_of, someone
from tests.support.shop import Shop


@pytest.fixture(autouse=True)
def _every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PING_SECONDS", 1)


async def pinged(sink: Sink, times: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while len(sink.came("ping")) < times:
            await asyncio.sleep(0.02)


async def test_a_database_that_does_not_answer_holds_up_no_ping(acme: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once: list[int] = []

    async def never(*_args: Any) -> None:
        at_once.append(len(beats._beating))
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "read_in_tenant", never)
    monkeypatch.setattr(module, "READ_SECONDS", 2.5)
    beats = Beats()
    session, sink = session_of(acme, someone(acme))
    session.rooms[uuid4()] = True
    session.heard = beats.loop.time() + 1_000
    beats.add(session)
    await pinged(sink, 3)
    beats._task.cancel()
    assert max(at_once) > 1, "each waits 2.5 s, but not one after the other"


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
    async with asyncio.timeout(PATIENCE):
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


async def beating(hub: Hub, tenant: TenantRef) -> tuple[Beats, Sink]:
    """A beat whose slot holds two sockets of two tenants; the second one's room has a head to be told."""
    beats, room = Beats(), uuid4()
    for place in (tenant, elsewhere(tenant)):
        session, sink = session_of(place, someone(place))
        session.heard = beats.loop.time() + 1_000
        session.rooms[room] = True
        beats.add(session)
    return beats, sink


def elsewhere(tenant: TenantRef) -> TenantRef:
    return replace(tenant, id=uuid4(), schema="elsewhere")


@pytest.mark.parametrize("read", ["end_of_stay", "a_plan_of"])
@pytest.mark.parametrize("how", ["hangs", "raises"])
async def test_what_is_not_known_of_one_socket_costs_no_other_its_heads(
    acme: TenantRef, hub: Hub, monkeypatch: pytest.MonkeyPatch, read: str, how: str
) -> None:
    asked: list[TenantRef] = []

    async def of(subject: Any) -> Any:
        asked.append(tenant := getattr(subject, "tenant", subject))
        if tenant == acme and how == "hangs":
            await asyncio.Event().wait()
        if tenant == acme:
            raise OperationalError("away")
        return plans.ONE_PLAN if read == "a_plan_of" else None

    async def heads(_tenant: TenantRef, _fn: Any, rooms: list[UUID], _places: Any) -> Any:
        return dict.fromkeys(rooms, at(7)), set()

    monkeypatch.setattr(module, read, of)
    monkeypatch.setattr(module, "read_in_tenant", heads)
    monkeypatch.setattr(module, "READ_SECONDS", 0.5)
    beats, sink = await beating(hub, acme)
    await pinged(sink, 1)
    beats._task.cancel()
    assert list(sink.came("ping")[0]["heads"].values()) == [7]
    assert len(set(asked)) == 2, "who comes after it was not looked at"
