"""Who listens holds what a newcomer is told: the first state with every event since is the state of now. For each kind of act."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx

from tenants.context import run_on_platform
from tenants.models import Role
from tenants.tokens import Principal
from tests.support.community import community
from tests.support.server import Server
from tests.support.shop import Shop, owner_email
from tests.support.sockets import SECONDS, ChatSocket, Doors, Frame
from tests.support.talk import access_of

OWN = {"unread", "notes_unread", "mine"}  # the reader's own, which no broadcast carries
OF_LINES = {"rev", "head", "last"}  # whoever is in the room has the lines themselves, which come without a summary
LATE = {"people"}  # how many have a place: who reads a room for the first time gets one, and the next summary says it


@dataclass
class View:
    """A room as a client holds it that does what docs/protocol.md says."""

    messages: dict[str, Frame] = field(default_factory=dict)
    summary: Frame = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)
    head: int = 0
    rev: int = field(default=0, compare=False)

    def begin(self, joined: Frame) -> "View":
        """What a newcomer is told."""
        self.messages = {one["id"]: _alike(one) for one in joined["messages"]}
        self.marks = {mark["who"]: mark["seq"] for mark in joined["marks"] if mark["seq"]}
        self.people = {who["id"] for who in joined["people"]}
        self.head = joined["head"]
        self._summarise(joined["summary"])
        return self

    def hear(self, frame: Frame) -> None:
        """An event of the room."""
        match frame["t"]:
            case "msg" | "upd":
                assert frame["seq"] == self.head + 1, "a hole, or a line twice"
                self.head = frame["seq"]
                self.messages[frame["message"]["id"]] = _alike(frame["message"])
            case "room":
                self._summarise(frame["summary"])
            case "marks":
                self.marks[frame["who"]] = max(frame["seq"], self.marks.get(frame["who"], 0))
            case "people":
                (self.people.add if frame["on"] else self.people.discard)(frame["who"]["id"])

    def _summarise(self, summary: Frame) -> None:
        if summary["rev"] >= self.rev:
            self.rev = summary["rev"]
            self.summary = {key: value for key, value in summary.items() if key not in OWN | OF_LINES | LATE}


def _alike(message: Frame) -> Frame:
    """The message without the place of the reader's own id, which stands first in what is made for them."""
    reactions = {emoji: {**found, "who": sorted(found["who"])} for emoji, found in message["reactions"].items()}
    return {**message, "reactions": reactions}


class Listener:
    """One socket that joined once and listens, and another of the same person that joins again to be told the state of now."""

    def __init__(self, name: str, room: UUID, listening: ChatSocket, asking: ChatSocket) -> None:
        self.name, self.room, self.listening, self.asking = name, str(room), listening, asking
        self.view = View()
        self._heard = 0

    async def begin(self) -> "Listener":
        """Both join, one after the other; what the first hears from then on are events."""
        await self.asking.join(UUID(self.room))
        joined = await self.listening.join(UUID(self.room))
        self._heard = self.listening.frames.index(joined) + 1
        self.view.begin(joined)
        return self

    async def now(self) -> View:
        return View().begin(await self.asking.join(UUID(self.room)))

    async def agrees(self) -> tuple[View, View]:
        """What it holds, and the state of now; the same at last, or this fails."""
        for _ in range(int(SECONDS / 0.1)):
            fresh = await self.now()
            await self.listening.settled()
            for frame in self.listening.frames[self._heard :]:
                if frame.get("room") == self.room:
                    self.view.hear(frame)
            self._heard = len(self.listening.frames)
            if self.view == fresh:
                break
            await asyncio.sleep(0.1)
        return self.view, fresh


Act = Callable[[], Awaitable[Any]]


async def each_act_leaves_them_agreed(listeners: list[Listener], acts: dict[str, Act]) -> None:
    for name, act in acts.items():
        before = [await listener.now() for listener in listeners]
        await act()
        for listener in listeners:
            held, fresh = await listener.agrees()
            assert held == fresh, f"{listener.name}, after {name}"
        after = [await listener.now() for listener in listeners]
        assert before != after, f"{name} changed nothing"


class Team:
    """The team's program."""

    def __init__(self, server: Server, shop: Shop, http: httpx.AsyncClient, access: str) -> None:
        self.http, self.headers = http, {"Host": f"{shop.tenant.slug}.{server.base_host}", "Authorization": f"Bearer {access}"}

    async def ask(self, method: str, path: str, body: Any = None) -> None:
        answer = await self.http.request(method, f"/api/v1/rooms/{path}", json=body, headers=self.headers)
        assert answer.status_code < 300, answer.text


@dataclass
class Scene:
    """A room with a visitor and an agent who listen, and one more of each who act."""

    room: UUID
    listeners: list[Listener]
    visitor: ChatSocket
    agent: ChatSocket
    team: Team
    guest: Callable[[], Awaitable[ChatSocket]]  # one more person, who is not in the room

    def ask(self, method: str, path: str, body: Any = None) -> Act:
        return lambda: self.team.ask(method, f"{self.room}{path}", body)

    def change(self, by: ChatSocket, frame_type: str, **fields: Any) -> Act:
        async def act() -> None:
            cid = str(uuid4())
            await by.say(frame_type, cid=cid, room=self.room, **fields)
            await by.expect("ack", cid=cid)

        return act


async def scene(stack: AsyncExitStack, doors: Doors, shop: Shop, room: UUID, who: Principal, guest: Principal) -> Scene:
    agent = await shop.member(Role.AGENT)
    sockets = [await stack.enter_async_context(doors.visitor(shop.tenant, who)) for _ in range(3)]
    inboxes = [await stack.enter_async_context(doors.agent(shop.tenant, agent)) for _ in range(3)]
    for socket in (sockets[2], inboxes[2]):
        await socket.join(room)
    listeners = [
        await Listener("the visitor", room, *sockets[:2]).begin(),
        await Listener("the agent", room, *inboxes[:2]).begin(),
    ]
    http = await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{doors.server.port}", timeout=60))
    team = Team(doors.server, shop, http, await access_of(shop.tenant, owner_email(shop.tenant)))

    async def more() -> ChatSocket:
        door = doors.agent if guest.kind == "agent" else doors.visitor
        return await stack.enter_async_context(door(shop.tenant, guest))

    return Scene(room, listeners, sockets[2], inboxes[2], team, more)


async def written(scene: Scene, *lines: str) -> list[str]:
    """The ids of lines that the visitor says."""
    return [(await scene.visitor.send(scene.room, line))["id"] for line in lines]


def of_messages(scene: Scene, mine: str, other: str) -> dict[str, Act]:
    """What is done with lines, by frames."""
    return {
        "a line": lambda: scene.visitor.send(scene.room, "one more"),
        "an answer to a line": lambda: scene.agent.send(scene.room, "about that", reply_to=mine),
        "an edit": scene.change(scene.visitor, "edit", message=mine, text="in other words"),
        "a reaction": scene.change(scene.agent, "react", message=mine, emoji="👍", on=True),
        "another's reaction": scene.change(scene.visitor, "react", message=mine, emoji="👍", on=True),
        "a reaction taken back": scene.change(scene.agent, "react", message=mine, emoji="👍", on=False),
        "a deletion": scene.change(scene.visitor, "delete", message=mine),
        "a deletion by the team": scene.change(scene.agent, "delete", message=other),
        "a read mark": lambda: scene.agent.say("read", room=scene.room, seq=3),
        "another's read mark": lambda: scene.visitor.say("read", room=scene.room, seq=4),
    }


async def test_of_a_support_room(doors: Doors, shop: Shop) -> None:
    who = await shop.visitor()
    room, colleague = await shop.room(who, "hello"), await shop.member(Role.AGENT)
    async with AsyncExitStack() as stack:
        at = await scene(stack, doors, shop, room, who, colleague)
        came: list[ChatSocket] = []

        async def comes() -> None:
            came.append(await at.guest())
            await came[0].join(room)

        async def goes() -> None:
            await came[0].close()
            await at.agent.expect("people", on=False)  # they may be coming back for a while

        acts = of_messages(at, *await written(at, "mine", "to be deleted"))
        acts |= {
            "somebody comes": comes,
            "they go": goes,
            "it is given to an agent": at.ask("POST", "/assign", {"agent": str(colleague.id)}),
            "it is given to nobody": at.ask("POST", "/assign", {"agent": None}),
            "it is resolved": at.ask("POST", "/resolve"),
            "it is reopened": at.ask("POST", "/reopen"),
        }
        await each_act_leaves_them_agreed(at.listeners, acts)


async def test_of_a_community_room(doors: Doors, shop: Shop) -> None:
    who, friend = await shop.visitor(), await shop.visitor()
    room = await run_on_platform(community, shop.tenant)
    async with AsyncExitStack() as stack:
        at = await scene(stack, doors, shop, room, who, friend)
        came: list[ChatSocket] = []

        async def comes() -> None:
            came.append(await at.guest())
            await came[0].join(room)

        mine, other = await written(at, "mine", "to be deleted")
        pinned = (await at.visitor.send(room, "to be pinned"))["id"]
        acts = of_messages(at, mine, other)
        acts |= {
            "somebody comes": comes,
            "they lose their place": at.ask("DELETE", f"/members/{friend.id}"),
            "a pin": at.ask("POST", "/pins", {"message": pinned}),
            "a pin taken away": at.ask("DELETE", f"/pins/{pinned}"),
            "slow mode": at.ask("PATCH", "", {"slow_seconds": 30}),
            "a lock": at.ask("PATCH", "", {"locked": True}),
            "the lock taken away": at.ask("PATCH", "", {"locked": False, "slow_seconds": 0}),
            "another title": at.ask("PATCH", "", {"title": "Friends of lamps"}),
            "it is archived": at.ask("POST", "/archive"),
            "it is opened again": at.ask("POST", "/unarchive"),
        }
        await each_act_leaves_them_agreed(at.listeners, acts)
