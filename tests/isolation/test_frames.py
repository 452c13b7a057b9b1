"""Every frame of the protocol, said by everybody who is none of a room's people, about that room and what is in it.

`FRAMES` must hold a row for every member of the union: a frame that is born without one fails the test.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any, get_args
from uuid import UUID, uuid4

import psycopg
import pytest

from chat.models import Message
from chat.notifications import Sent, draft, store_for
from chat.realtime.protocol import incoming
from tenants.context import TenantRef, in_tenant, run_on_platform
from tenants.models import User
from tests.realtime.conftest import doors, server  # noqa: F401  # fixtures
from tests.support import talk
from tests.support.sockets import ChatSocket, Doors, visitor_token

Facts = dict[str, Any]
SILENT = None  # the frame has no answer; what it must not do is checked by its effect

# What a stranger says, and the refusal that they get: never anything that tells the room from one that does not exist.
FRAMES: dict[str, tuple[Callable[[Facts], Facts], str | None]] = {
    "hello": (lambda at: {"v": 1, "token": at["token"]}, "bad_frame"),  # comes once: a second one is refused
    "auth": (lambda at: {"token": at["token"]}, "closed"),  # anybody else's token ends the socket
    "open": (lambda at: {"cid": at["cid"], "kind": "support", "text": "mine?"}, SILENT),  # a stranger's cid is their own
    "join": (lambda at: {"ref": 1, "room": at["room"]}, "not_found"),
    "leave": (lambda at: {"ref": 1, "room": at["room"]}, "not_found"),
    "history": (lambda at: {"ref": 1, "room": at["room"], "before": 99}, "not_found"),
    "send": (lambda at: {"cid": uuid4(), "room": at["room"], "text": "let me in"}, "not_found"),
    "edit": (lambda at: {"cid": uuid4(), "room": at["room"], "message": at["message"], "text": "mine now"}, "not_found"),
    "delete": (lambda at: {"cid": uuid4(), "room": at["room"], "message": at["message"]}, "not_found"),
    "react": (
        lambda at: {"cid": uuid4(), "room": at["room"], "message": at["message"], "emoji": "👍", "on": True},
        "not_found",
    ),
    "read": (lambda at: {"room": at["room"], "seq": 2}, "not_found"),
    "typing": (lambda at: {"room": at["room"], "on": True, "draft": "x"}, "not_found"),
    "presence": (lambda at: {"state": "away"}, SILENT),  # says nothing of anybody else; what a visitor hears is `forbidden`
    "page": (lambda at: {"url": "https://shop.example/", "title": "Mine"}, SILENT),  # says nothing of anybody else
    "seen": (lambda at: {"notification": at["notification"]}, SILENT),  # what is not theirs is left alone
    "ping": (lambda at: {"n": 1}, SILENT),
}
NAMES = [frame.__struct_config__.tag for frame in get_args(incoming.ClientFrame)]


@pytest.fixture
async def house(acme: TenantRef, ben: User) -> Facts:
    """Vic's room at acme, a notification of Ben's, and the tokens of both."""

    def build() -> Facts:
        vic = talk.visitor(acme)
        room = talk.room_of(acme, vic, "one", "two")
        with in_tenant(acme):
            message = Message.objects.filter(room_id=room).earliest("seq").id
            notice = store_for([ben.id], draft(category="rooms", kind="room_opened", title="Waiting", url="/inbox/", room=room))
        assert isinstance(notice, Sent)
        return {
            "room": room,
            "message": message,
            "vic": vic,
            "notification": notice.to[0][1],
            "cid": uuid4(),
            "token": visitor_token(acme, vic),
        }

    return await run_on_platform(build)


@pytest.fixture
async def strangers(doors: Doors, acme: TenantRef, globex: TenantRef, gus: User) -> AsyncIterator[dict[str, ChatSocket]]:  # noqa: F811
    """Another visitor of acme, a visitor of globex and globex's agent, each welcomed at their own door."""
    other, val, agent = await run_on_platform(lambda: (talk.visitor(acme), talk.visitor(globex), talk.agent(globex, gus)))
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        yield {
            "another visitor of acme": await enter(doors.visitor(acme, other)),
            "a visitor of globex": await enter(doors.visitor(globex, val)),
            "globex's agent": await enter(doors.agent(globex, agent)),
        }


def fingerprint(superuser: psycopg.Connection[Any], tenant: TenantRef, room: UUID) -> list[Any]:
    """All that the room holds and what was said of it."""
    tables = {"message": "room_id", "participant": "room_id", "room": "id", "notification": "room_id"}
    return [
        superuser.execute(f"SELECT * FROM {tenant.schema}.chat_{name} t WHERE {column} = %s ORDER BY id", [room]).fetchall()
        for name, column in tables.items()
    ]


def test_every_frame_has_a_row() -> None:
    assert sorted(FRAMES) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
async def test_a_stranger_gets_nowhere(
    name: str, house: Facts, strangers: dict[str, ChatSocket], acme: TenantRef, superuser: psycopg.Connection[Any]
) -> None:
    fields, refusal = FRAMES[name]
    before = fingerprint(superuser, acme, house["room"])
    for who, socket in strangers.items():
        await socket.say(name, **fields(house))
        if refusal == "closed":
            await socket.expect_close(4403)
            continue
        if refusal is not None:
            await socket.expect_error(refusal)
        else:
            await socket.settled()
        told = str([frame for frame in socket.frames if str(house["room"]) in str(frame) and frame["t"] != "err"])
        assert told == "[]", f"{who} heard of the room: {told}"
    assert fingerprint(superuser, acme, house["room"]) == before
