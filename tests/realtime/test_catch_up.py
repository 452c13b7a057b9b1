"""Who comes back while a room goes on: the catch-up has an end, and what it cannot bring is begun anew."""

from typing import Any
from uuid import UUID

import pytest
from psycopg import OperationalError

from chat.consumers import joining
from chat.consumers.hello import welcome
from chat.consumers.joining import join
from chat.metrics import RESUMES
from chat.realtime.hub import Hub
from chat.realtime.protocol.codes import VERSION
from chat.realtime.protocol.incoming import Hello, Position
from chat.realtime.session import Session
from chat.services.members import leave_room
from saas.core.errors import Busy, Forbidden, NotFound, RateLimited
from tenants.context import run_on_platform
from tests.support import talk
from tests.support.community import community, place_of
from tests.support.sessions import Sink, session_of
from tests.support.shop import Shop

PAGE = 20
BEHIND = 60


async def back(hub: Hub, shop: Shop) -> tuple[Session, Sink, UUID, UUID]:
    """A visitor who knows their room's epoch and no line of it."""
    who = await shop.visitor()
    room = await shop.room(who, *[str(number) for number in range(BEHIND)])
    session, sink = session_of(shop.tenant, who)
    hub.enter(session)
    await join(session, room)
    (joined,) = sink.came("joined")
    hub.leave_room(session, room)
    sink.frames.clear()
    return session, sink, room, UUID(joined["epoch"])


def growing(monkeypatch: pytest.MonkeyPatch, shop: Shop, room: UUID, *lines: int) -> None:
    """Before the second read of the room somebody says so many lines, before the third so many, and so on."""
    read, left = joining._read, iter((0, *lines))

    async def slowly(session: Session, position: Any) -> Any:
        said = [f"and {number}" for number in range(next(left, 0))]
        await run_on_platform(talk.say, shop.tenant, room, session.principal, *said)
        return await read(session, position)

    monkeypatch.setattr(joining, "_read", slowly)


def seqs(frame: dict[str, Any]) -> list[int]:
    return [message["seq"] for message in frame["messages"]]


@pytest.mark.parametrize("lines", [0, 25])
async def test_its_last_page_reaches_the_head_of_its_joined_however_fast_the_room_goes_on(
    hub: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    session, sink, room, epoch = await back(hub, shop)
    growing(monkeypatch, shop, room, *[lines] * 20)
    await join(session, room, ref=1, epoch=epoch, after=0)
    (joined,), pages = sink.came("joined"), sink.came("page")
    assert (joined["head"], joined["resumed"], joined["more"]) == (BEHIND, True, True)
    assert [page["more"] for page in pages] == [True, False]
    assert [seq for frame in (joined, *pages) for seq in seqs(frame)] == [*range(1, BEHIND + 1)]


async def test_where_too_much_changes_meanwhile_the_room_is_joined_anew(
    hub: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, sink, room, epoch = await back(hub, shop)
    growing(monkeypatch, shop, room, 250)
    await join(session, room, ref=1, epoch=epoch, after=0)
    head = BEHIND + 250
    first, anew = sink.came("joined")
    assert sink.came("page") == []
    assert (first["ref"], first["resumed"]) == (1, True)
    assert (anew["ref"], anew["resumed"], anew["head"], anew["more"]) == (1, False, head, True)
    assert seqs(anew) == [*range(head - PAGE + 1, head + 1)]
    assert list(session.rooms) == [room]


async def test_a_hello_whose_rooms_cannot_be_read_just_now_costs_no_room(
    hub: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes again with all of them. `left` would be the end of the room at the client."""

    async def busy(*_: Any) -> None:
        raise Busy("Too much is waiting for the database.", retry_after=1.0)

    session, sink, room, epoch = await back(hub, shop)
    monkeypatch.setattr(joining, "_read", busy)
    with pytest.raises(Busy):
        await welcome(session, Hello(v=VERSION, token="", rooms=[Position(room=room, epoch=epoch, after=0)]))
    assert sink.came("left") == []


@pytest.mark.parametrize("gives_up", [True, False])
async def test_who_gave_up_their_place_elsewhere_does_not_come_in_again_by_coming_back(
    hub: Hub, shop: Shop, gives_up: bool
) -> None:
    who, room = await shop.visitor(), await run_on_platform(community, shop.tenant)
    (session, sink), (again, back) = session_of(shop.tenant, who), session_of(shop.tenant, who)
    hub.enter(session)
    await join(session, room)
    (joined,) = sink.came("joined")
    hub.leave(session)
    if gives_up:
        await run_on_platform(lambda: leave_room(shop.tenant, who, room_id=room))
    await welcome(again, Hello(v=VERSION, token="", rooms=[Position(room=room, epoch=UUID(joined["epoch"]), after=0)]))
    assert [frame["code"] for frame in back.came("left")] == ["not_found"] * gives_up
    assert (list(again.rooms) == []) is gives_up
    assert (await run_on_platform(place_of, shop.tenant, room, who) is None) is gives_up


@pytest.mark.parametrize(
    ("error", "is_counted"),
    [
        (Busy("Too much is waiting for the database.", retry_after=1.0), True),
        (OperationalError("no database"), True),
        (RateLimited("Too often.", retry_after=1.0), False),
        (Forbidden("You are banned."), False),
        (NotFound("There is no such room."), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_who_is_refused_is_not_counted_as_one_whom_we_failed(
    hub: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch, error: Exception, is_counted: bool
) -> None:
    """An alarm stands on that count."""

    async def fail(*_: Any) -> None:
        raise error

    session, _, room, epoch = await back(hub, shop)
    before = RESUMES.of.get("failed", 0)
    monkeypatch.setattr(joining, "_read", fail)
    with pytest.raises(type(error)):
        await join(session, room, epoch=epoch, after=0)
    assert RESUMES.of.get("failed", 0) - before == is_counted
