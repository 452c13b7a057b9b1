"""A client of the protocol for tests: says what it is told to, keeps all that comes, and waits for what is expected."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

import jwt
import websockets
from django.conf import settings
from websockets.asyncio.client import ClientConnection, connect

from chat.realtime.protocol.codes import SUBPROTOCOL, VERSION
from tenants import tokens
from tenants.context import TenantRef
from tenants.tokens import Principal, issue_socket_ticket, issue_visitor
from tests.support.server import Server
from tests.support.talk import embed_key

SECONDS = 15.0  # to wait for what must come; in good order it is milliseconds
OWN = object()  # the Origin of the page that belongs to the door

Frame = dict[str, Any]


def brief(frames: Sequence[Frame]) -> str:
    """The frames in few words."""
    return "; ".join(json.dumps(frame)[:160] for frame in frames) or "nothing"


class NothingCame(AssertionError):
    """What was expected did not come; the message tells what came instead."""


class ChatSocket:
    """One end of a socket. `frames` is all that came; `expect` finds what it was not given before."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[Frame] = []
        self.code: int | None = None  # with which the other end closed
        self._fresh: list[Frame] = []
        self._news = asyncio.Condition()
        self._reader = asyncio.get_running_loop().create_task(self._read())

    async def say(self, frame_type: str, **fields: Any) -> None:
        """Send one frame."""
        await self.say_text(json.dumps({"t": frame_type, **fields}, default=str))

    async def say_text(self, data: str | bytes) -> None:
        """Send anything. A socket that has ended is no error: what ended it is asked for by `expect_close`."""
        with suppress(websockets.ConnectionClosed):
            await self.connection.send(data)

    async def hello(self, token: str, **fields: Any) -> Frame:
        """Say hello; the `welcome`."""
        await self.say("hello", **{"v": VERSION, "token": token, **fields})
        return await self.expect("welcome")

    async def open(self, text: str | None = None, *, cid: UUID | None = None) -> UUID:
        """Open a support room; its id."""
        said = {} if text is None else {"text": text}
        await self.say("open", cid=cid or uuid4(), kind="support", **said)
        return UUID((await self.expect("joined"))["room"])

    async def join(self, room: UUID, **position: Any) -> Frame:
        """Join a room; the `joined`."""
        ref = uuid4().hex
        await self.say("join", ref=ref, room=room, **position)
        return await self.expect("joined", ref=ref)

    async def send(self, room: UUID, text: str, *, cid: UUID | None = None, **fields: Any) -> Frame:
        """Send a message; its `ack`."""
        cid = cid or uuid4()
        await self.say("send", cid=cid, room=room, text=text, **fields)
        return await self.expect("ack", cid=str(cid))

    async def expect(self, frame_type: str, *, seconds: float = SECONDS, **fields: Any) -> Frame:
        """The first frame of this type with these fields that was not expected before. Raises `NothingCame`."""

        def fits(frame: Frame) -> bool:
            return frame["t"] == frame_type and all(frame.get(key) == value for key, value in fields.items())

        return await self.expect_one(fits, f"{frame_type} {fields}", seconds=seconds)

    async def expect_one(self, fits: Callable[[Frame], bool], words: str, *, seconds: float = SECONDS) -> Frame:
        """The first frame not expected before that fits."""
        found: Frame = await self._until(lambda: next((one for one in self._fresh if fits(one)), None), words, seconds)
        self._fresh.remove(found)
        return found

    async def expect_error(self, code: str, **fields: Any) -> Frame:
        """An `err` with this code."""
        return await self.expect("err", code=code, **fields)

    async def expect_close(self, code: int, *, seconds: float = SECONDS) -> None:
        """The other end closes with this code."""
        await self._until(lambda: self.code, f"close {code}", seconds)
        assert self.code == code, f"closed with {self.code}, not {code}; last came {brief(self.frames[-3:])}"

    async def settled(self) -> None:
        """All that was sent before is answered as far as it is answered at once: a ping comes back after it."""
        n = uuid4().int % 2**53
        await self.say("ping", n=n)
        await self.expect("pong", n=n)

    def came(self, frame_type: str, **fields: Any) -> list[Frame]:
        """All frames of this type with these fields, expected before or not."""
        return [
            one for one in self.frames if one["t"] == frame_type and all(one.get(key) == value for key, value in fields.items())
        ]

    def lines(self, room: UUID) -> list[str]:
        """The texts that came by `msg` for a room, in the order in which they came."""
        return [one["message"]["text"] for one in self.came("msg", room=str(room))]

    async def close(self) -> None:
        """Leave in good order."""
        await self.connection.close()
        await self._reader

    def cut(self) -> None:
        """Vanish without a word."""
        self.connection.transport.abort()

    async def _until(self, found: Callable[[], Any], words: str, seconds: float) -> Any:
        async with self._news:
            try:
                async with asyncio.timeout(seconds):
                    while (value := found()) is None:
                        if self.code is not None:
                            raise NothingCame(f"no {words}: closed with {self.code}; not looked at: {brief(self._fresh[-8:])}")
                        await self._news.wait()
            except TimeoutError:
                raise NothingCame(f"no {words} in {seconds} s; not looked at: {brief(self._fresh[-8:])}") from None
        return value

    async def _read(self) -> None:
        try:
            async for data in self.connection:
                frame = json.loads(data)
                self.frames.append(frame)
                self._fresh.append(frame)
                async with self._news:
                    self._news.notify_all()
        except websockets.ConnectionClosed:
            pass
        self.code = self.connection.close_code or 1006
        async with self._news:
            self._news.notify_all()


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
    key = tokens._derive(settings.SECRET_KEY, f"{claims['typ']}:{tenant.id}")
    return jwt.encode(dict(claims), key, algorithm="HS256")
