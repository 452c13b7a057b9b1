"""Who comes and goes leaves nothing behind: no descriptor, no task, no place, however they went."""

import asyncio
import json
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from chat.consumers.socket import ChatSocket, chat_socket
from chat.realtime.beats import beats
from chat.realtime.hub import Hub
from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.patience import PATIENCE
from tests.support.server import Server, running
from tests.support.shop import Shop
from tests.support.sockets import Doors, key_of, visitor_token

pytestmark = pytest.mark.xdist_group("realtime-endings")

MANY = 300
AT_ONCE = 4  # fewer than a visitor may have
OWN = 20  # connections to the database, opened when needed and kept: fewer than come in any of the four ways


@pytest.fixture
def alone(acme: TenantRef) -> Iterator[Server]:
    """A server that nobody else uses, which a visitor may ask for as many sockets as they like."""
    key_of(acme)
    with running(LIMITS="chat.hello.person=100000/10 chat.join.person=100000/10") as server:
        yield server


def descriptors(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


async def visits(server: Server, tenant: TenantRef, who: Principal, room: UUID, times: int) -> None:
    """One visitor after another, who leave in good order, vanish, say nothing, or are turned away."""
    doors, url, numbers = Doors(server), Doors(server).visitor_url(key_of(tenant)), count()

    async def come() -> None:
        while (number := next(numbers)) < times:
            async with doors.socket(url) as socket:
                if number % 4 == 3:
                    await socket.say("hello", v=1, token="nobody's")
                    await socket.expect_close(4401)
                elif number % 4:
                    await socket.hello(visitor_token(tenant, who))
                    await socket.join(room)
                if number % 2:
                    socket.cut()

    await asyncio.gather(*(come() for _ in range(AT_ONCE)))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks Linux for another process's descriptors")
async def test_a_server_holds_no_descriptor_of_those_who_went(alone: Server, acme: TenantRef, vic: Principal, room: UUID) -> None:
    await visits(alone, acme, vic, room, 20)
    before = descriptors(alone)
    await visits(alone, acme, vic, room, MANY)
    async with asyncio.timeout(PATIENCE):
        while descriptors(alone) > before + OWN:
            await asyncio.sleep(0.05)
    assert alone.complaints() == []


class Peer:
    """The other end of a socket of this process: what it says, and then that it has gone."""

    def __init__(self, *said: dict[str, Any], waits: bool) -> None:
        self._events = [{"type": "websocket.connect"}, *({"type": "websocket.receive", "text": json.dumps(one)} for one in said)]
        self._waits, self._joined = waits, asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self._events:
            return self._events.pop(0)
        if self._waits:
            await self._joined.wait()
        return {"type": "websocket.disconnect", "code": 1006}

    @property
    def is_in(self) -> bool:
        """Whether it came into its room."""
        return self._joined.is_set()

    async def send(self, event: dict[str, Any]) -> None:
        if '"joined"' in str(event.get("text")):
            self._joined.set()


async def test_a_process_has_as_many_tasks_and_places_as_before(hub: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.realtime.here.LINGER_SECONDS", 0.01)
    people = [await shop.visitor() for _ in range(AT_ONCE)]
    rooms = [await shop.room(who, "hello") for who in people]

    async def come(who: Principal, room: UUID, times: int) -> None:
        door: dict[str, Any] = {"tenant": shop.tenant, "site_id": who.site_id, "refused": None, "path": "/", "headers": []}
        hello = {"t": "hello", "v": 1, "token": visitor_token(shop.tenant, who)}
        for number in range(times):
            peer = Peer(hello, {"t": "join", "ref": 1, "room": str(room)}, waits=number % 2 == 0)
            await chat_socket({**door, "client": ("::1", 1), "subprotocols": ["porchlight.v1"]}, peer.receive, peer.send)
            came.append(peer)

    def places() -> list[int]:
        return [len(of) for of in (hub.local.rooms, hub.local.groups, hub.local.tenants, hub._sessions, ChatSocket.open_sockets)]

    came: list[Peer] = []
    await come(people[0], rooms[0], 2)
    await asyncio.sleep(0.5)  # what is done a moment later is done
    before = len(asyncio.all_tasks())
    await asyncio.gather(*(come(who, room, MANY // AT_ONCE) for who, room in zip(people, rooms, strict=True)))
    assert sum(peer.is_in for peer in came) >= MANY // 2
    async with asyncio.timeout(PATIENCE):
        while len(asyncio.all_tasks()) > before or any(places()):
            await asyncio.sleep(0.05)
    assert not beats()._place
