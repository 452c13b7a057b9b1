"""A tenant that floods costs itself: it is refused, and its neighbour is served without an error. No times: `bench/noisy.py`."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest

from tenants.context import TenantRef, run_in_tenant
from tenants.tokens import Principal
from tests.support.server import Server, running
from tests.support.shop import Shop
from tests.support.sockets import ChatSocket, Doors, key_of
from tests.support.stored import count_messages, texts

pytestmark = pytest.mark.xdist_group("realtime-noisy")

QUOTA = 60  # messages of a tenant at once, and in ten minutes
REFUSED = 20  # frames of a socket, before it is not read for a while
PEOPLE = 6  # who flood


@pytest.fixture(scope="module")
def street(cast: dict[str, TenantRef]) -> Iterator[Server]:
    """A server on which a tenant has a small quota."""
    key_of(cast["acme"])
    of_address = "chat.send.ip=1000/10 chat.history.ip=1000/10"  # all come from one
    of_tenant = f"chat.send.tenant={QUOTA}/600 chat.history.tenant=20/600 chat.refused={REFUSED}/10"
    with running(LIMITS=f"{of_address} {of_tenant}") as server:
        yield server


async def flood(socket: ChatSocket, room: UUID, stop: asyncio.Event) -> int:
    """Messages and reads of history until it is told to stop; how many frames it said."""
    said = 0
    while not stop.is_set():
        await socket.say("send", cid=uuid4(), room=room, text="noise")
        await socket.say("history", ref=said, room=room, before=9)
        said += 2
        await asyncio.sleep(0.005)
    return said


async def until_refused(sockets: list[ChatSocket]) -> None:
    """Each of them more often than is read at once."""
    async with asyncio.timeout(30):
        while any(len(socket.came("err")) <= REFUSED for socket in sockets):
            await asyncio.sleep(0.05)


async def talk(socket: ChatSocket, room: UUID, times: int) -> None:
    """One line after the other; each must be acknowledged."""
    for number in range(times):
        await socket.send(room, f"line {number}")
        ref = uuid4().hex
        await socket.say("history", ref=ref, room=room, before=99)
        if number < 10:
            await socket.expect("page", ref=ref)


async def test_who_floods_is_refused_and_the_neighbour_hears_no_error(
    street: Server, shop: Shop, acme: TenantRef, vic: Principal, room: UUID
) -> None:
    doors, people = Doors(street), [await shop.visitor() for _ in range(PEOPLE)]
    rooms = [await shop.room(who) for who in people]
    async with AsyncExitStack() as stack:
        noisy = [await stack.enter_async_context(doors.visitor(shop.tenant, who)) for who in people]
        quiet = await stack.enter_async_context(doors.visitor(acme, vic))
        for socket, place in zip(noisy, rooms, strict=True):
            await socket.join(place)
        await quiet.join(room)
        stop = asyncio.Event()
        floods = [asyncio.create_task(flood(socket, place, stop)) for socket, place in zip(noisy, rooms, strict=True)]
        await until_refused(noisy)
        await talk(quiet, room, 15)
        stop.set()
        said = sum([await one for one in floods])
        acks, pages, errors = (sum(len(socket.came(name)) for socket in noisy) for name in ("ack", "page", "err"))
        assert QUOTA <= acks < QUOTA + 5
        assert 20 <= pages < 25
        assert acks + pages + errors < said, "all of the flood was read at once"
        assert {frame["code"] for socket in noisy for frame in socket.came("err")} == {"rate_limited"}
        assert quiet.came("err") == []
        assert all(frame["retry_after"] > 0 for socket in noisy for frame in socket.came("err"))
        for socket in noisy:
            socket.cut()
    assert await texts(acme, room) == ["one", "two", *(f"line {number}" for number in range(15))]
    assert await count_messages(shop.tenant) in range(QUOTA, QUOTA + 5)


async def test_slow_calls_of_one_tenant_leave_threads_to_the_others(acme: TenantRef, globex: TenantRef) -> None:
    """Exports, say. They are told to end only after the neighbour was served."""
    gate = threading.Event()
    slow = [asyncio.ensure_future(run_in_tenant(acme, gate.wait, 90)) for _ in range(100)]
    try:
        async with asyncio.timeout(30):
            answers = await asyncio.gather(*(run_in_tenant(globex, int, number) for number in range(20)))
        assert answers == list(range(20))
        assert not any(one.done() for one in slow)
    finally:
        gate.set()
    assert await asyncio.gather(*slow) == [True] * 100
