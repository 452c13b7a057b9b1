"""The two doors of a server under test, and the tokens that open them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from websockets.asyncio.client import connect

from chat.realtime.protocol.codes import SUBPROTOCOL
from tenants import token_keys
from tenants.context import TenantRef
from tenants.tokens import Principal, issue_socket_ticket, issue_visitor
from tests.contract.conformance.end import SECONDS, ChatSocket, Frame, NothingCame, brief
from tests.support.server import Server
from tests.support.talk import embed_key

OWN = object()  # the Origin of the page that belongs to the door

__all__ = [
    "OWN",
    "SECONDS",
    "ChatSocket",
    "Doors",
    "Frame",
    "NothingCame",
    "agent_token",
    "brief",
    "key_of",
    "resigned",
    "visitor_token",
]


class Doors:
    """The two doors of a server: to its sockets for visitors and for agents."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def visitor_url(self, key: str) -> str:
        return f"ws://widget.{self.server.base_host}/ws/w/{key}/"

    def agent_url(self, tenant: TenantRef) -> str:
        return f"ws://{tenant.slug}.{self.server.base_host}/ws/agent/"

    @asynccontextmanager
    async def socket(
        self, url: str, *, origin: Any = OWN, subprotocols: Sequence[str] = (SUBPROTOCOL,), **options: Any
    ) -> AsyncIterator[ChatSocket]:
        """An open socket that has not said hello."""
        if origin is OWN:
            origin = "http://" + url.split("/")[2]
        connection = await connect(
            url,
            origin=origin,
            subprotocols=list(subprotocols),  # type: ignore[arg-type]
            host="127.0.0.1",
            port=self.server.port,
            open_timeout=SECONDS,
            close_timeout=SECONDS,
            ping_interval=None,
            proxy=None,
            **options,
        )
        socket = ChatSocket(connection)
        try:
            yield socket
        finally:
            await socket.close()

    @asynccontextmanager
    async def visitor(self, tenant: TenantRef, who: Principal, **hello: Any) -> AsyncIterator[ChatSocket]:
        """A visitor who was welcomed."""
        async with self.socket(self.visitor_url(key_of(tenant))) as socket:
            await socket.hello(visitor_token(tenant, who), **hello)
            yield socket

    @asynccontextmanager
    async def agent(self, tenant: TenantRef, who: Principal, **hello: Any) -> AsyncIterator[ChatSocket]:
        """An agent who was welcomed."""
        async with self.socket(self.agent_url(tenant)) as socket:
            await socket.hello(agent_token(tenant, who), **hello)
            yield socket


_keys: dict[UUID, str] = {}


def key_of(tenant: TenantRef) -> str:
    """The embed key of the tenant's first site. To be called for the first time outside of the event loop."""
    if tenant.id not in _keys:
        _keys[tenant.id] = embed_key(tenant).key
    return _keys[tenant.id]


def visitor_token(tenant: TenantRef, who: Principal) -> str:
    """A visitor's token, as `POST /w/<key>/session` gives it."""
    assert who.site_id
    issued = issue_visitor(tenant, visitor_id=who.id, name=who.name, site_id=who.site_id, parent=who.parent, sid=who.sid)
    return issued.token


def agent_token(tenant: TenantRef, who: Principal) -> str:
    """An agent's socket ticket, as `POST /api/v1/auth/socket-ticket` gives it."""
    return issue_socket_ticket(tenant, user_id=who.id, name=who.name, role=who.role or "agent", sid=who.sid).token


def resigned(claims: Mapping[str, Any], tenant: TenantRef) -> str:
    """A token with these claims, signed with the tenant's own key: what only the server can make."""
    key = token_keys.derive(settings.SECRET_KEY, f"{claims['typ']}:{tenant.id}")
    return jwt.encode(dict(claims), key, algorithm="HS256")
