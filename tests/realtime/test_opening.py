"""Once a support room is committed the team hears of it, whatever becomes of the socket that opened it."""

import asyncio
import gc
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError

from chat.consumers import frames
from chat.consumers.frames import handle
from chat.consumers.lanes import Lanes
from chat.notifications import see, unseen_of
from chat.realtime.hub import Hub
from chat.realtime.protocol.incoming import Open
from chat.realtime.session import Session
from chat.services.messages import open_room
from saas.core.errors import Busy, Forbidden
from tenants.context import run_in_tenant, run_on_platform
from tenants.tokens import Principal
from tests.support.patience import PATIENCE
from tests.support.sessions import Sink, session_of
from tests.support.shop import Shop


def come(hub: Hub, shop: Shop, who: Principal) -> tuple[Session, Sink]:
    session, sink = session_of(shop.tenant, who)
    hub.enter(session)
    return session, sink


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            await asyncio.sleep(0.01)


def heard(inbox: Sink) -> list[str]:
    """What the team is told of one room with its first words."""
    assert [frame["summary"]["last"]["text"] for frame in inbox.came("room")] == ["Anybody?"]
    return [frame["kind"] for frame in inbox.came("notice")]


@pytest.mark.parametrize("leaves", [True, False])
async def test_a_socket_that_ends_between_the_commit_and_its_join(
    hub: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch, leaves: bool
) -> None:
    committed, go_on = asyncio.Event(), asyncio.Event()

    async def commit(*args: Any, **fields: Any) -> Any:
        done = await run_in_tenant(*args, **fields)
        committed.set()
        await go_on.wait()
        return done

    monkeypatch.setattr(frames, "run_in_tenant", commit)
    (session, widget), (_, inbox) = come(hub, shop, await shop.visitor()), come(hub, shop, shop.owner)
    lanes = Lanes()
    lanes.run("open", lambda: handle(session, Open(cid=uuid4(), kind="support", text="Anybody?")))
    await committed.wait()
    if leaves:
        lanes.stop()
        hub.leave(session)
        await asyncio.sleep(0)
    go_on.set()
    await until(lambda: bool(inbox.came("notice")))
    assert heard(inbox) == ["room_opened"]
    assert [bool(widget.came("joined")), bool(session.rooms)] == [not leaves] * 2


@pytest.mark.parametrize("error", [Busy("later"), Forbidden("too many rooms"), OperationalError("away")])
async def test_a_room_that_cannot_be_joined_is_acknowledged_all_the_same(
    hub: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def join(*_: Any) -> None:
        raise error

    monkeypatch.setattr(frames, "join", join)
    (session, widget), (_, inbox) = come(hub, shop, await shop.visitor()), come(hub, shop, shop.owner)
    pending = handle(session, Open(cid=(cid := uuid4()), kind="support", text="Anybody?"))
    assert pending is not None
    await pending
    assert [(frame["cid"], frame["seq"]) for frame in widget.came("ack")] == [(str(cid), 1)]
    assert widget.came("err") == []
    assert heard(inbox) == ["room_opened"]


async def test_who_sends_it_again_changes_nothing_and_the_team_hears_of_the_room(hub: Hub, shop: Shop) -> None:
    """The first time may have ended, with its process, before anybody was told. Who was told knows the notification by its id."""
    (session, widget), (_, inbox) = come(hub, shop, await shop.visitor()), come(hub, shop, shop.owner)
    frame = Open(cid=uuid4(), kind="support", text="Anybody?")
    for _ in range(2):
        pending = handle(session, frame)
        assert pending is not None
        await pending
    first, again = widget.came("ack")
    assert first == again
    assert [one["summary"]["rev"] for one in inbox.came("room")] == [inbox.came("room")[0]["summary"]["rev"]] * 2
    told, repeated = inbox.came("notice")
    assert told == repeated


async def stored_elsewhere(shop: Shop, who: Principal, frame: Open, agents: list[UUID]) -> None:
    """By a process that was killed before it told anybody."""
    await run_in_tenant(shop.tenant, lambda: open_room(who, frame, agents=agents))


async def test_what_a_killed_process_stored_is_heard_of_when_it_is_sent_again(hub: Hub, shop: Shop) -> None:
    vic, ben = await shop.visitor(), await shop.member("agent")
    frame = Open(cid=uuid4(), kind="support", text="Anybody?")
    await stored_elsewhere(shop, vic, frame, [shop.owner.id, ben.id])
    await run_on_platform(see, shop.tenant, ben.id, None)  # who has it from a welcome, and has read it
    (session, widget), (_, inbox), (_, read) = come(hub, shop, vic), come(hub, shop, shop.owner), come(hub, shop, ben)
    pending = handle(session, frame)
    assert pending is not None
    await pending
    assert [one["seq"] for one in widget.came("ack")] == [1]
    assert heard(inbox) == ["room_opened"]
    ((stored,), many) = (await run_in_tenant(shop.tenant, unseen_of, [shop.owner.id]))[0]
    assert ([one["id"] for one in inbox.came("notice")], many) == ([str(stored.id)], 1)
    assert heard(read) == []


@pytest.mark.parametrize(
    ("error", "logged"), [(Forbidden("No."), []), (OperationalError("away"), ["ERROR"])], ids=["refused", "broken"]
)
async def test_whatever_ends_badly_with_nobody_there_is_heard_of_where_it_is_ours(
    hub: Hub, error: Exception, logged: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    complaints: list[dict[str, Any]] = []
    hub.loop.set_exception_handler(lambda _loop, said: complaints.append(said))
    goes_on = asyncio.Event()

    async def work() -> None:
        await goes_on.wait()
        raise error

    asked = asyncio.create_task(hub.to_the_end(work()))
    await until(lambda: bool(hub._unended))
    asked.cancel()
    await asyncio.wait([asked])
    goes_on.set()
    await until(lambda: not hub._unended)
    del asked  # whose end holds the work
    gc.collect()
    assert complaints == []
    assert [one.levelname for one in caplog.records] == logged
