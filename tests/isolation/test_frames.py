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
from tests.support.polls import HttpDoors
from tests.support.server import Server
from tests.support.sockets import ChatSocket, Doors, agent_token, key_of, visitor_token

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


@pytest.mark.parametrize("name", NAMES)
async def test_a_stranger_gets_nowhere_without_a_socket(
    name: str,
    server: Server,  # noqa: F811
    house: Facts,
    acme: TenantRef,
    globex: TenantRef,
    gus: User,
    superuser: psycopg.Connection[Any],
) -> None:
    """The same frames by requests; and `hello`, which over HTTP is a poll that claims to know the room."""
    fields, refusal = FRAMES[name]
    before = fingerprint(superuser, acme, house["room"])
    other, val, agent = await run_on_platform(lambda: (talk.visitor(acme), talk.visitor(globex), talk.agent(globex, gus)))
    await run_on_platform(lambda: [key_of(tenant) for tenant in (acme, globex)])
    web, known = HttpDoors(server), {"room": house["room"], "epoch": uuid4(), "after": 0}
    async with web.visitor(acme, other) as one, web.visitor(globex, val) as two, web.agent(globex, agent) as three:
        for stranger in (one, two, three):
            answer = await stranger.post("frames", {"frames": [{"t": name, **fields(house)}]})
            heard = (await stranger.post("events", {"rooms": [known]})).json()["frames"]
            if refusal == "closed":
                assert answer.json()["error"]["close"] == 4403
            elif refusal is not None:
                assert [frame["code"] for frame in answer.json()["frames"]] == [refusal]
            assert [frame["code"] for frame in heard if frame["t"] == "left"] == ["not_found"]
            told = [frame for frame in [*answer.json().get("frames", []), *heard] if frame["t"] not in ("err", "left")]
            assert str(house["room"]) not in str(told)
    assert fingerprint(superuser, acme, house["room"]) == before


@pytest.mark.parametrize("act", ["frames", "events"])
async def test_anothers_proof_opens_no_other_door(
    act: str,
    server: Server,  # noqa: F811
    house: Facts,
    acme: TenantRef,
    globex: TenantRef,
    gus: User,
) -> None:
    """A visitor's token at the agents' door and the other way round, and each at the other tenant's."""
    val, agent = await run_on_platform(lambda: (talk.visitor(globex), talk.agent(globex, gus)))
    await run_on_platform(lambda: [key_of(tenant) for tenant in (acme, globex)])
    web = HttpDoors(server)
    doors_and_proofs = [
        (web.visitor(acme, house["vic"]), [visitor_token(globex, val), agent_token(globex, agent)]),
        (web.agent(acme, agent), [agent_token(globex, agent), house["token"], visitor_token(globex, val)]),
        (web.agent(globex, agent), [house["token"], visitor_token(globex, val)]),
        (web.visitor(globex, val), [house["token"], agent_token(globex, agent)]),
    ]
    for door, proofs in doors_and_proofs:
        async with door as client:
            for client.token in proofs:
                answer = await client.post(act, {"frames": []} if act == "frames" else {})
                assert answer.status_code in (401, 403)
                assert answer.json().keys() == {"error"}
