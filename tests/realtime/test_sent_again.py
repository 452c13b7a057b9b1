"""What was stored by a process that told nobody of it: when its sender says it again, here, everybody hears of it, once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from chat.consumers.joining import join
from chat.realtime import groups
from chat.realtime import hub as hubs
from chat.realtime.amend import Change
from chat.realtime.append import Row
from chat.realtime.hub import Hub
from chat.realtime.protocol.outgoing import Author
from tenants.context import TenantRef, run_on_platform
from tenants.tokens import Principal
from tests.support.desk import Desk, said, told
from tests.support.journals import a_journal, row
from tests.support.patience import PATIENCE
from tests.support.sessions import Sink, session_of
from tests.support.shop import Shop


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    """The hub of this loop, which stores."""
    hub = Hub()
    monkeypatch.setattr(hubs, "_hub", hub)
    hub.journal.start()
    yield hub
    await hub.journal.stop()
    await hub.others.stop()


@pytest.fixture
def bell(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What was said to the other processes about rooms and how far they are."""
    heard: list[tuple[str, Any]] = []
    monkeypatch.setattr(hub.bus, "say", lambda group, item: heard.append((group, item)) if item["k"] == "head" else None)
    return heard


async def stored_elsewhere(tenant: TenantRef, one: Row | Change) -> None:
    """By a process that ended before it told anybody."""
    async with a_journal() as journal:
        await (journal.put(tenant, one) if isinstance(one, Row) else journal.change(tenant, one))


async def reading(hub: Hub, tenant: TenantRef, who: Principal, *rooms: UUID) -> Sink:
    session, sink = session_of(tenant, who)
    hub.enter(session)
    for room in rooms:
        await join(session, room)
    return sink


async def until(is_so: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            await asyncio.sleep(0.01)


def seqs(sink: Sink) -> list[int]:
    return [frame["seq"] for frame in sink.frames if frame["t"] in ("msg", "upd")]


async def test_readers_and_the_inbox_hear_of_it_and_it_is_notified_once(hub: Hub, shop: Shop, bell: list[Any]) -> None:
    vic = await shop.visitor()
    room = await shop.room(vic, "one")
    reader, inbox = await reading(hub, shop.tenant, vic, room), await reading(hub, shop.tenant, await shop.member("agent"))
    line = row(room, vic, "anybody there?")
    await stored_elsewhere(shop.tenant, line)
    for _ in range(2):
        await hub.journal.put(shop.tenant, line)
        await until(lambda: seqs(reader) == [2])
        assert [frame["summary"]["last"]["text"] for frame in inbox.came("room")][-1:] == ["anybody there?"]
        assert await hub.aftermath.flush()
    assert {(body, of) for _, _, body, of in await told(shop)} == {("anybody there?", room)}
    assert len(await told(shop)) == 2, "the owner and the agent, each once"
    assert len(inbox.came("notice")) == 1
    assert bell == [(groups.room(shop.tenant.id, room), {"k": "head", "seq": 2})] * 2


async def test_so_do_the_readers_of_other_processes(hub: Hub, shop: Shop) -> None:
    vic = await shop.visitor()
    room = await shop.room(vic, "one")
    reader, line = await reading(hub, shop.tenant, vic, room), row(room, vic, "two")
    await stored_elsewhere(shop.tenant, line)
    hub.others.hear(groups.room(shop.tenant.id, room), "another", [{"k": "head", "seq": 2}])
    await until(lambda: seqs(reader) == [2])


async def test_a_change_is_heard_of_too(hub: Hub, shop: Shop, bell: list[Any]) -> None:
    vic = await shop.visitor()
    room = await shop.room(vic)
    line = await run_on_platform(said, shop.tenant, room, vic, "helo")
    reader = await reading(hub, shop.tenant, vic, room)
    edit = Change("edit", room, Author(kind=vic.kind, id=vic.id, name=vic.name), uuid4(), line.done.id, text="hello")  # type: ignore[union-attr]
    await stored_elsewhere(shop.tenant, edit)
    await hub.journal.change(shop.tenant, edit)
    await until(lambda: seqs(reader) == [2])


async def test_an_older_line_that_is_said_again_takes_no_newer_ones_place(desk: Desk, shop: Shop) -> None:
    vic = await shop.visitor()
    room = await shop.room(vic)
    older, newer = [await run_on_platform(said, shop.tenant, room, vic, text) for text in ("older", "newer")]
    desk.aftermath.heed([newer])
    desk.aftermath.heed([older])
    assert await desk.aftermath.flush()
    assert {copy[2] for copy in await told(shop)} == {"newer"}
