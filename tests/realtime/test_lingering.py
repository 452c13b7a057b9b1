"""Who came in too often is let go a little later, so that they come no faster; only so many are kept standing for it."""

import asyncio
from typing import Any

import pytest

from chat.consumers import socket as module
from chat.consumers.socket import ChatSocket
from saas.core.errors import RateLimited
from saas.core.ratelimit import Most, Places
from tenants.context import TenantRef

MOST = 3


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_PER_IP", Most("test.ip", MOST, "ip"))
    monkeypatch.setattr(module, "_lingering", Places())
    monkeypatch.setattr(module, "LINGER_SECONDS", 3_600.0)


def refused(tenant: TenantRef, address: str, wait: float | None = 3_600.0) -> asyncio.Task[None]:
    """A socket of this address that was refused, on its way out."""

    async def send(_event: Any) -> None:
        """Nobody listens."""

    socket = ChatSocket({"type": "websocket", "tenant": tenant, "client": (address, 1), "headers": []}, send, send)
    return asyncio.create_task(socket._linger(RateLimited("Too often.", retry_after=wait)))


async def still_there(tasks: list[asyncio.Task[None]]) -> int:
    for _ in range(5):
        await asyncio.sleep(0)
    return sum(not task.done() for task in tasks)


async def test_no_more_stand_there_than_may_wait(acme: TenantRef, globex: TenantRef) -> None:
    here = [refused(acme, "192.0.2.1") for _ in range(MOST + 4)]
    there = [refused(acme, "192.0.2.2") for _ in range(MOST)]
    try:
        assert (await still_there(here), await still_there(there)) == (MOST, MOST)
    finally:
        for task in (*here, *there):
            task.cancel()


async def test_who_goes_away_makes_room(acme: TenantRef) -> None:
    first = [refused(acme, "192.0.2.1") for _ in range(MOST)]
    assert await still_there(first) == MOST
    for task in first:
        task.cancel()
    assert await still_there(first) == 0
    second = [refused(acme, "192.0.2.1") for _ in range(MOST)]
    try:
        assert await still_there(second) == MOST
    finally:
        for task in second:
            task.cancel()


async def test_nobody_stands_longer_than_they_would_have_to_wait(acme: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("chat.consumers.socket.asyncio.sleep", sleep)
    monkeypatch.setattr(module, "LINGER_SECONDS", 1.0)
    for wait in (None, 0.25, 1.0, 60.0):
        await refused(acme, "192.0.2.1", wait)
    assert slept == [0.0, 0.25, 1.0, 1.0]
