"""What a flood leaves behind is freed at once: rings would wait for the collector, which halts everybody while it looks."""

import asyncio
from typing import Any
from uuid import uuid4

from chat.consumers.collector import Collector
from chat.consumers.frames import handle
from chat.consumers.socket import ChatSocket
from chat.realtime.hub import Hub
from chat.realtime.outbox import PlainOutbox
from chat.realtime.protocol.incoming import Send
from chat.realtime.session import Session
from saas.core.errors import AppError, RateLimited
from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.garbage import rings_of


async def silent(_event: Any = None) -> Any:
    """Nobody listens, and nobody says anything."""


async def test_refused_frames(acme: TenantRef, vic: Principal) -> None:
    said = Collector()
    session = Session(acme, vic, said, said.end)
    room = uuid4()
    session.order.refuse(room, uuid4(), 60.0, RateLimited)
    with rings_of(AppError) as left:
        for _ in range(50):
            assert handle(session, Send(cid=uuid4(), room=room, text="hello")) is None
    assert len(said.frames) == 50
    assert left == []


async def test_a_socket_that_ends(acme: TenantRef, vic: Principal, hub: Hub) -> None:
    with rings_of(ChatSocket, Session) as left:
        socket = ChatSocket({"type": "websocket", "tenant": acme, "client": ("192.0.2.1", 1), "headers": []}, silent, silent)
        socket.outbox = PlainOutbox(silent)
        socket.session = Session(acme, vic, socket.outbox, socket.end)
        await socket._leave()
        del socket
        await asyncio.sleep(0)
    assert left == []
