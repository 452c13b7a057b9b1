"""What one address may do to a tenant: a part of what the tenant may, and nothing at all without a proof."""

from collections.abc import Iterator
from typing import Any

import pytest

from chat import limits
from chat.consumers import allowance
from chat.consumers import socket as sockets
from chat.consumers.socket import ChatSocket, Ended
from chat.realtime.beats import beats
from chat.realtime.protocol.codes import VERSION, Close
from chat.realtime.protocol.incoming import Hello
from saas.core.errors import RateLimited
from saas.core.ratelimit import Limit, forget_all
from tenants.context import TenantRef, run_on_platform
from tenants.limits import HTTP_PER_IP, HTTP_PER_TENANT
from tenants.plans import Plan
from tenants.resolve import a_site_key
from tenants.tokens import Principal
from tests.support.sessions import Sink
from tests.support.sockets import key_of, visitor_token

PAIRS = [
    (HTTP_PER_IP, HTTP_PER_TENANT),
    (limits.HELLO_PER_IP, limits.HELLO_PER_TENANT),
    (limits.SEND_PER_IP, limits.SEND_PER_TENANT),
    (limits.JOIN_PER_IP, limits.JOIN_PER_TENANT),
    (limits.RESUME_PER_IP, limits.RESUME_PER_TENANT),
    (limits.HISTORY_PER_IP, limits.HISTORY_PER_TENANT),
    (limits.OPEN_PER_IP, limits.OPEN_PER_TENANT),
    (limits.POLL_PER_IP, limits.POLL_PER_TENANT),
]


@pytest.mark.parametrize("rate", [0.5, 1.0, 4.0])
@pytest.mark.parametrize(("address", "tenant"), PAIRS, ids=lambda limit: limit.name)
def test_an_address_has_at_most_a_quarter_of_what_its_tenant_has(address: Limit, tenant: Limit, rate: float) -> None:
    """On every plan; and an office of fifty people who are all at work has enough."""
    plan = Plan({"*": rate})
    one, all_of_them = plan.of(address), plan.of(tenant)
    assert (one.name, one.per) == (address.name, tenant.per)
    assert one.times <= address.times
    assert 4 * one.times <= all_of_them.times
    assert one.times >= 500


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A tenant lets three in, and an address twenty."""
    forget_all()
    monkeypatch.setattr(allowance, "HELLO_PER_TENANT", Limit("hello.test.tenant", 3, 600, "tenant"))
    monkeypatch.setattr(allowance, "HELLO_PER_IP", Limit("hello.test.ip", 20, 600, "ip"))
    yield
    forget_all()


async def socket_of(tenant: TenantRef) -> ChatSocket:
    """One that was let in by the visitors' door."""
    key = await run_on_platform(key_of, tenant)
    found = await a_site_key(key)
    assert found
    scope = {"tenant": tenant, "site_id": found.site_id, "client": ("192.0.2.7", 1), "headers": [], "path": f"/ws/w/{key}/"}
    socket = ChatSocket(scope, None, None)  # type: ignore[arg-type]
    socket.outbox = Sink()
    return socket


async def comes_in(tenant: TenantRef, token: str) -> None:
    socket = await socket_of(tenant)
    await socket._introduce(Hello(v=VERSION, token=token))
    assert socket.session
    beats().remove(socket.session)


@pytest.mark.usefixtures("few")
async def test_who_proves_nothing_costs_the_tenant_nothing(
    acme: TenantRef, vic: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def welcome(*_: Any) -> None:
        """Nobody."""

    monkeypatch.setattr(sockets, "welcome", welcome)
    for _ in range(10):
        with pytest.raises(Ended) as ended:
            await comes_in(acme, "nonsense")
        assert ended.value.code == Close.REVOKED
    token = visitor_token(acme, vic)
    for _ in range(3):
        await comes_in(acme, token)
    with pytest.raises(RateLimited):
        await comes_in(acme, token)


@pytest.mark.usefixtures("few")
async def test_who_proves_nothing_is_counted_by_their_address(acme: TenantRef) -> None:
    for _ in range(20):
        with pytest.raises(Ended):
            await comes_in(acme, "nonsense")
    with pytest.raises(RateLimited):
        await comes_in(acme, "nonsense")
