"""The place under test, and people who come in there. Every frame that anybody receives is held to its shape."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from websockets.asyncio.client import connect

from tests.contract.conformance.end import SECONDS, ChatSocket
from tests.contract.conformance.place import SUBPROTOCOL, Json, Place, given, reachable
from tests.contract.conformance.shapes import faults

Come = Callable[..., Awaitable["Guest"]]


class Guest:
    """Somebody at an open socket who was welcomed."""

    def __init__(self, socket: ChatSocket, session: Json, welcome: Json) -> None:
        self.socket = socket
        self.session = session
        self.token: str = session["token"]
        self.welcome = welcome
        self.id: str = welcome["me"]["id"]


@pytest.fixture(scope="session")
def place() -> Place:
    try:
        return given()
    except LookupError as error:
        pytest.exit(str(error), returncode=2)


@asynccontextmanager
async def line(url: str, *, origin: str | None, subprotocols: Sequence[str] = (SUBPROTOCOL,)) -> AsyncIterator[ChatSocket]:
    """An open socket that has not said hello."""
    target, host = reachable(url)
    parts = urlsplit(target)
    options: dict[str, Any] = {} if parts.scheme == "ws" else {"server_hostname": host}
    connection = await connect(
        url,
        host=parts.hostname,
        port=parts.port or (80 if parts.scheme == "ws" else 443),
        origin=origin,  # type: ignore[arg-type]
        subprotocols=list(subprotocols),  # type: ignore[arg-type]
        open_timeout=SECONDS,
        ping_interval=None,
        proxy=None,
        **options,
    )
    socket = ChatSocket(connection)
    try:
        yield socket
    finally:
        await socket.close()
    assert [fault for frame in socket.frames for fault in faults(frame)] == []


@pytest.fixture
async def stay() -> AsyncIterator[AsyncExitStack]:
    """Everybody who came in leaves at the end of the test."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def visitor(place: Place, stay: AsyncExitStack) -> Come:
    """Comes in as a visitor: a new one, or the one of `session`. Further fields go into the `hello`."""

    async def come(session: Json | None = None, **hello: Any) -> Guest:
        session = session or await place.session()
        socket = await stay.enter_async_context(line(session["socket"], origin=place.widget))
        return Guest(socket, session, await socket.hello(session["token"], **hello))

    return come


@pytest.fixture
def agent(place: Place, stay: AsyncExitStack) -> Come:
    """Comes in as the agent whose password was given."""

    async def come(**hello: Any) -> Guest:
        ticket = await place.ticket()
        socket = await stay.enter_async_context(line(ticket["socket"], origin=place.url))
        return Guest(socket, ticket, await socket.hello(ticket["token"], **hello))

    return come


@pytest.fixture
async def talk(visitor: Come, agent: Come) -> "Talk":
    """A visitor and an agent in a new support room with one line."""
    vic, ben = await asyncio.gather(visitor(), agent())
    room = await vic.socket.open("Is the lamp dimmable?")
    await vic.socket.expect("ack", room=str(room))
    await ben.socket.join(room)
    await vic.socket.expect("people", room=str(room), on=True)
    return Talk(vic, ben, room)


class Talk:
    """Two people in one room."""

    def __init__(self, vic: Guest, ben: Guest, room: UUID) -> None:
        self.vic = vic
        self.ben = ben
        self.room = room
