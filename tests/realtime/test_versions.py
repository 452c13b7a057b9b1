"""Old and new clients: the highest version that both speak, or an end that says which there are, before anything is joined."""

from typing import Any
from uuid import UUID

import pytest

from chat.realtime.protocol.codes import SUPPORTED, VERSION, Close, version_for
from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.sockets import Doors, agent_token, key_of, visitor_token


@pytest.mark.parametrize(
    ("newest", "oldest", "supported", "chosen"),
    [
        (1, None, (1,), 1),
        (1, None, (1, 2), 1),
        (2, None, (1, 2), 2),
        (2, 1, (1,), 1),
        (3, 1, (1, 2), 2),
        (9, 2, (1, 2), 2),
        (2, None, (1,), Close.BAD_PROTOCOL),
        (9, 3, (1, 2), Close.BAD_PROTOCOL),
        (1, None, (2, 3), Close.CLIENT_TOO_OLD),
        (0, None, (1,), Close.CLIENT_TOO_OLD),
        (2, None, (1, 3), Close.CLIENT_TOO_OLD),
        (1, 2, (1, 2), Close.CLIENT_TOO_OLD),
    ],
)
def test_the_highest_that_both_speak(newest: int, oldest: int | None, supported: tuple[int, ...], chosen: int) -> None:
    assert version_for(newest, oldest, supported) == chosen


def test_the_newest_is_one_of_those_spoken() -> None:
    assert max(SUPPORTED) == VERSION
    assert len(set(SUPPORTED)) == len(SUPPORTED)


@pytest.mark.parametrize("said", [{"v": VERSION}, {"v": VERSION + 1, "min": VERSION}, {"v": VERSION, "min": VERSION - 1}])
async def test_a_client_that_speaks_ours_too_is_welcome(
    doors: Doors, acme: TenantRef, vic: Principal, room: UUID, said: dict[str, int]
) -> None:
    async with doors.socket(doors.visitor_url(key_of(acme))) as socket:
        assert (await socket.hello(visitor_token(acme, vic), **said))["v"] == VERSION
        assert (await socket.join(room))["head"] == 2


@pytest.mark.parametrize(
    ("said", "code"),
    [({"v": min(SUPPORTED) - 1}, 4426), ({"v": VERSION + 1}, 4400), ({"v": VERSION + 5, "min": VERSION + 1}, 4400)],
)
async def test_any_other_is_told_which_there_are_and_joins_nothing(
    doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID, said: dict[str, int], code: int
) -> None:
    known = [{"room": str(room), "epoch": "0199a0c0-0000-7000-8000-0000000000e1", "after": 0}]
    proofs = [(doors.visitor_url(key_of(acme)), visitor_token(acme, vic)), (doors.agent_url(acme), agent_token(acme, agent_ben))]
    async with doors.agent(acme, agent_ben) as inbox:
        await inbox.join(room)
        for url, token in proofs:
            async with doors.socket(url) as socket:
                await socket.say("hello", token=token, rooms=known, **said)
                await socket.expect_close(code)
                assert [(one["t"], one.get("field")) for one in socket.frames] == [("err", "v")]
                assert all(str(version) in socket.frames[0]["message"] for version in SUPPORTED)
        await inbox.settled()
        assert [one["who"] for one in inbox.came("people") if one["who"]["kind"] == "visitor"] == []


@pytest.mark.parametrize(
    ("offered", "answer"),
    [
        (["porchlight.v1"], "porchlight.v1"),
        (["porchlight.v2", "porchlight.v1"], "porchlight.v1"),
        (["porchlight.v2"], None),
        (["chat", "porchlight.v1"], "porchlight.v1"),
    ],
)
async def test_the_handshake_answers_with_the_newest_that_we_speak(
    doors: Doors, acme: TenantRef, vic: Principal, offered: list[str], answer: Any
) -> None:
    async with doors.socket(doors.visitor_url(key_of(acme)), subprotocols=offered) as socket:
        assert socket.connection.subprotocol == answer
        await socket.hello(visitor_token(acme, vic))
