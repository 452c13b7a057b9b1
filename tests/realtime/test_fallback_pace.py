"""Without a socket: all requests of one person together may say what one socket may, and what was begun can be ended."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from chat.consumers.frames import handle
from chat.consumers.joining import join
from chat.consumers.polling import chat_by_http
from chat.realtime.hub import Hub
from chat.realtime.protocol.incoming import Typing
from saas.core.ratelimit import Limit
from tenants.tokens import Principal
from tests.support.sessions import Sink, comes_true, session_of
from tests.support.shop import Shop
from tests.support.sockets import Frame, visitor_token
from tests.support.stored import texts

HOUR = 3_600  # no second permit comes while a test runs


def a_few(name: str, seconds: float = HOUR) -> Limit:
    return Limit(f"{name}.test", 3, seconds, "socket")


class Requests:
    """A visitor who has no socket, at the ASGI application."""

    def __init__(self, shop: Shop, who: Principal) -> None:
        self.shop, self.who = shop, who
        self.token = visitor_token(shop.tenant, who)

    async def say(self, *frames: Frame) -> list[Frame]:
        """Say these in one request; what answers them."""
        return await self._ask("frames", {"frames": frames})

    async def hear(self, *rooms: UUID) -> list[Frame]:
        """One poll of a client that knows nothing yet of these rooms, which is answered at once."""
        known = [{"room": room, "epoch": UUID(int=0), "after": 0} for room in rooms]
        return await self._ask("events", {"rooms": known})

    async def _ask(self, act: str, body: Any) -> list[Frame]:
        events: asyncio.Queue[Any] = asyncio.Queue()
        events.put_nowait({"type": "http.request", "body": json.dumps(body, default=str).encode()})
        answer: list[Any] = []

        async def send(event: Any) -> None:
            answer.append(event)

        await chat_by_http(self._scope(act), events.get, send)
        assert answer[0]["status"] == 200, answer[1]["body"]
        return list(json.loads(answer[1]["body"])["frames"])

    def _scope(self, act: str) -> dict[str, Any]:
        door = {"tenant": self.shop.tenant, "site_id": self.who.site_id, "refused": None, "act": act}
        headers = [(b"authorization", f"Bearer {self.token}".encode())]
        return {"type": "http", "method": "POST", "path": f"/{act}", "headers": headers, "client": ("192.0.2.1", 1), **door}


async def inbox_in(hub: Hub, shop: Shop, room: UUID) -> Sink:
    """The owner's socket, in this room."""
    session, sink = session_of(shop.tenant, shop.owner)
    hub.enter(session)
    await join(session, room)
    return sink


def typed(sink: Sink, who: Principal) -> list[bool]:
    return [one["on"] for one in sink.came("typing") if one["who"]["id"] == str(who.id)]


@pytest.mark.parametrize("polls", [False, True], ids=["only speaks", "polls meanwhile"])
async def test_typing_is_told_as_from_one_socket(hub: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch, polls: bool) -> None:
    monkeypatch.setattr("chat.realtime.session.TYPING_PER_SOCKET", a_few("chat.typing"))
    who = await shop.visitor()
    room = await shop.room(who, "one")
    inbox, client = await inbox_in(hub, shop, room), Requests(shop, who)
    for _ in range(3):
        await client.say(*[{"t": "typing", "room": room, "on": True}] * 4)
        if polls:
            await client.hear(room)
    for _ in range(2):
        await client.say({"t": "typing", "room": room, "on": False})
    assert typed(inbox, who) == [True, True, True, False]


async def test_a_socket_is_told_of_in_the_same_way(hub: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.realtime.session.TYPING_PER_SOCKET", a_few("chat.typing"))
    who = await shop.visitor()
    room = await shop.room(who, "one")
    inbox = await inbox_in(hub, shop, room)
    session, _ = session_of(shop.tenant, who)
    hub.enter(session)
    await join(session, room)
    for on in [*[True] * 12, False, False]:
        handle(session, Typing(room=room, on=on))
    assert typed(inbox, who) == [True, True, True, False]


async def test_another_person_has_a_pace_of_their_own(hub: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.realtime.session.TYPING_PER_SOCKET", a_few("chat.typing"))
    for who in (await shop.visitor(), await shop.visitor()):
        room = await shop.room(who, "one")
        inbox = await inbox_in(hub, shop, room)
        await Requests(shop, who).say(*[{"t": "typing", "room": room, "on": True}] * 4)
        assert typed(inbox, who) == [True, True, True]


@pytest.mark.parametrize("polls", [False, True], ids=["only speaks", "polls meanwhile"])
async def test_of_marks_that_come_too_fast_the_newest_is_told_later(
    hub: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch, polls: bool
) -> None:
    monkeypatch.setattr("chat.realtime.session.READ_PER_SOCKET", a_few("chat.read", 6.0))
    who = await shop.visitor()
    room = await shop.room(who, *(f"line {number}" for number in range(30)))
    inbox, client = await inbox_in(hub, shop, room), Requests(shop, who)
    for first in (1, 11, 21):
        await client.say(*({"t": "read", "room": room, "seq": seq} for seq in range(first, first + 10)))
        if polls:
            await client.hear(room)
    assert len(inbox.came("marks")) < 10, "each request began anew"
    await comes_true(lambda: inbox.came("marks")[-1]["seq"] >= 30)
    assert [one["seq"] for one in inbox.came("marks")][:3] == [1, 2, 3]


async def test_the_last_mark_of_who_comes_no_more_is_told(hub: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.realtime.session.READ_PER_SOCKET", a_few("chat.read"))
    monkeypatch.setattr("chat.consumers.resting.REST_SECONDS", 2.0)
    who = await shop.visitor()
    room = await shop.room(who, *(f"line {number}" for number in range(9)))
    inbox, client = await inbox_in(hub, shop, room), Requests(shop, who)
    for first in (1, 5):
        await client.say(*({"t": "read", "room": room, "seq": seq} for seq in range(first, first + 4)))
    await comes_true(lambda: len(inbox.came("marks")) >= 4)
    assert [one["seq"] for one in inbox.came("marks")] == [1, 2, 3, 8]


async def test_nothing_overtakes_a_line_that_came_too_fast(storing: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 4 of docs/protocol.md: its time may be over before the next line of the same request is looked at."""
    waits = iter([0.0, 0.001, 0.0])
    monkeypatch.setattr("chat.realtime.session.Session.frame_wait", lambda _session: next(waits))
    who = await shop.visitor()
    room = await shop.room(who, "one")
    said = [{"t": "send", "cid": uuid4(), "room": room, "text": text} for text in ("two", "three", "four")]
    answers = {one["cid"]: one.get("code") for one in await Requests(shop, who).say(*said)}
    assert [answers[str(one["cid"])] for one in said] == [None, "rate_limited", "rate_limited"]
    assert await texts(shop.tenant, room) == ["one", "two"]


async def test_frames_of_any_kind_are_counted_over_all_requests(hub: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.realtime.session.FRAMES_PER_SOCKET", a_few("chat.frames"))
    client = Requests(shop, await shop.visitor())
    answers = [one for _ in range(2) for one in await client.say(*({"t": "ping", "n": n} for n in range(2)))]
    assert [(one["t"], one.get("code")) for one in answers] == [*[("pong", None)] * 3, ("err", "rate_limited")]
    assert answers[-1]["retry_after"] > 0
