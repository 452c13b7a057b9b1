"""A client without a socket: says frames by POST and polls for news, and keeps what comes as the protocol's rules tell it to."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx

from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.server import Server
from tests.support.sockets import ChatSocket, Frame, agent_token, brief, key_of, visitor_token
from tests.support.watching import live

SECONDS = 40.0  # a poll takes 25 s
SOON = 20.0  # for what ends one before that

T = TypeVar("T")


class Poller:
    """One client at one door. `frames` is all that came by polls; `last` and `epochs` are where it stands in each room."""

    def __init__(self, http: httpx.AsyncClient, door: str, token: str) -> None:
        self.http, self.door, self.token = http, door, token
        self.frames: list[Frame] = []
        self.last: dict[str, int] = {}
        self.epochs: dict[str, str] = {}
        self.lines: dict[str, list[str]] = {}
        self.cursor: str | None = None
        self._fresh: list[Frame] = []

    async def post(self, act: str, body: Any, **headers: str) -> httpx.Response:
        """The answer to a request."""
        said = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **headers}
        return await self.http.post(f"{self.door}/{act}", content=json.dumps(body, default=str), headers=said)

    async def say(self, *frames: Frame) -> list[Frame]:
        """Say frames; what answers them."""
        answer = await self.post("frames", {"frames": frames})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["frames"])

    async def send(self, room: UUID | str, text: str, **fields: Any) -> Frame:
        """Send a message; what answers it."""
        (answer,) = await self.say({"t": "send", "cid": uuid4(), "room": room, "text": text, **fields})
        return answer

    async def join(self, room: UUID | str) -> Frame:
        """Join a room by a frame, as a client does; its polls name the room from now on."""
        answers = await self.say({"t": "join", "ref": 1, "room": room})
        for answer in answers:
            self._note(answer)
        return answers[0]

    async def poll(self, **fields: Any) -> list[Frame]:
        """One poll; what is new."""
        answer = await self.ask(**fields)
        assert answer.status_code == 200, answer.text
        self.cursor = answer.json()["cursor"]
        for frame in answer.json()["frames"]:
            self._note(frame)
        self.frames += answer.json()["frames"]
        self._fresh += answer.json()["frames"]
        return list(answer.json()["frames"])

    async def ask(self, **fields: Any) -> httpx.Response:
        """The answer to one poll, of which nothing is kept."""
        rooms = [{"room": room, "epoch": self.epochs[room], "after": last} for room, last in self.last.items()]
        return await self.post("events", {"rooms": rooms, **({"cursor": self.cursor} if self.cursor else {}), **fields})

    async def expect(self, frame_type: str, **fields: Any) -> Frame:
        """Poll until a frame of this type with these fields comes that was not expected before."""
        return await self.expect_one(lambda frame: frame["t"] == frame_type and fields.items() <= frame.items())

    async def expect_one(self, fits: Callable[[Frame], bool]) -> Frame:
        """Poll until a frame comes that fits and was not expected before. How many that takes depends on what else is new."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            found = next((frame for frame in self._fresh if fits(frame)), None)
            if found is not None:
                self._fresh.remove(found)
                return found
            await self.poll()
        raise AssertionError(f"not in {SECONDS} s; last came {brief(self.frames[-8:])}")

    async def expect_line(self, room: UUID | str, text: str) -> None:
        """Poll until this is the room's last line."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            if self.lines.get(str(room), [""])[-1:] == [text]:
                return
            await self.poll()
        raise AssertionError(f"no {text!r} in {room}; there are {self.lines.get(str(room))}")

    def forget(self) -> None:
        """What came before is not what is expected next."""
        self._fresh.clear()

    def _note(self, frame: Frame) -> None:
        """Rules 1 and 2 of docs/protocol.md: what is next is applied, what is known is dropped."""
        match frame["t"]:
            case "joined":
                room = frame["room"]
                self.epochs[room] = frame["epoch"]
                if not frame["resumed"]:
                    self.lines[room], self.last[room] = [], 0
                self._apply(room, frame["messages"])
                if not frame["more"] or not frame["resumed"]:
                    self.last[room] = frame["head"]
            case "page":
                self._apply(frame["room"], frame["messages"])
            case "msg" | "upd":
                self._apply(frame["room"], [frame["message"]])

    def _apply(self, room: str, messages: list[Frame]) -> None:
        for message in messages:
            if message["changed"] > self.last.get(room, 0):
                self.last[room] = message["changed"]
                self.lines.setdefault(room, []).append(message["text"])


class HttpDoors:
    """The doors of a server for those who have no sockets."""

    def __init__(self, server: Server) -> None:
        self.server = server

    @asynccontextmanager
    async def visitor(self, tenant: TenantRef, who: Principal) -> AsyncIterator[Poller]:
        """A visitor on the widget's host."""
        async with self.at(f"widget.{self.server.base_host}") as http:
            yield Poller(http, f"/w/{key_of(tenant)}", visitor_token(tenant, who))

    @asynccontextmanager
    async def agent(self, tenant: TenantRef, who: Principal) -> AsyncIterator[Poller]:
        """An agent on their tenant's host."""
        async with self.at(f"{tenant.slug}.{self.server.base_host}") as http:
            yield Poller(http, "/api/v1", agent_token(tenant, who))

    @asynccontextmanager
    async def at(self, host: str) -> AsyncIterator[httpx.AsyncClient]:
        """A browser at a page of this host."""
        headers = {"Host": host, "Origin": f"http://{host}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.server.port}", headers=headers, timeout=SECONDS) as http:
            yield http


async def quiet(client: Poller) -> None:
    """Poll until nothing is new: the next poll waits. What the client did itself is told to it, too."""
    async with asyncio.timeout(60):
        while True:
            poll = asyncio.create_task(client.poll())
            done, _ = await asyncio.wait([poll], timeout=3.0)  # what is new is told sooner
            if not done:
                poll.cancel()
                await asyncio.wait([poll])
                return


async def held(poll: Callable[..., Coroutine[Any, Any, T]], who: Principal, inbox: ChatSocket) -> asyncio.Task[T]:
    """A poll of this visitor that the server holds: an agent sees them on the page that only this one names."""
    url = f"https://shop.example/{uuid4()}"
    task = asyncio.create_task(poll(page={"url": url, "title": "Shop", "referrer": ""}))
    await live(inbox, who, url=url)
    assert not task.done(), "nothing was new, and it did not wait"
    return task
