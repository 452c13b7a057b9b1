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
PEOPLE = 6  # who flood


@pytest.fixture(scope="module")
def street(cast: dict[str, TenantRef]) -> Iterator[Server]:
    """A server on which a tenant has a small quota."""
    key_of(cast["acme"])
    with running(LIMITS=f"chat.send.tenant={QUOTA}/600 chat.history.tenant=20/600") as server:
        yield server


async def flood(socket: ChatSocket, room: UUID, times: int) -> dict[str, int]:
    """So many messages and as many reads at once; how many answers of each kind came."""
    refs = [str(uuid4()) for _ in range(times)]
    for ref in refs:
        await socket.say("send", cid=ref, room=room, text="noise")
        await socket.say("history", ref=f"h{ref}", room=room, before=9)
    wanted = {*refs, *(f"h{ref}" for ref in refs)}
    found: dict[str, int] = {}
    while wanted:
        answer = await socket.expect_one(lambda frame: (frame.get("cid") or frame.get("ref")) in wanted, "an answer")
        wanted.discard(answer.get("cid") or answer["ref"])
        name = str(answer.get("code", answer["t"]))
        found[name] = found.get(name, 0) + 1
    return found


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
        floods = [asyncio.create_task(flood(socket, place, 200)) for socket, place in zip(noisy, rooms, strict=True)]
        await talk(quiet, room, 15)
        found = [await one for one in floods]
        assert sum(one.get("ack", 0) for one in found) in range(QUOTA, QUOTA + 5)
        assert sum(one.get("page", 0) for one in found) in range(20, 25)
        assert {name for one in found for name in one} == {"ack", "page", "rate_limited"}
        assert quiet.came("err") == []
        assert all(frame["retry_after"] > 0 for socket in noisy for frame in socket.came("err"))
    assert await texts(acme, room) == ["one", "two", *(f"line {number}" for number in range(15))]
    assert await count_messages(shop.tenant) in range(QUOTA, QUOTA + 5)


async def test_slow_calls_of_one_tenant_leave_threads_to_the_others(acme: TenantRef, globex: TenantRef) -> None:
    """Exports, say. They are told to end only after the neighbour was served."""
    gate = threading.Event()
    slow = [asyncio.ensure_future(run_in_tenant(acme, gate.wait, 30)) for _ in range(100)]
    try:
        async with asyncio.timeout(10):
            answers = await asyncio.gather(*(run_in_tenant(globex, int, number) for number in range(20)))
        assert answers == list(range(20))
        assert not any(one.done() for one in slow)
    finally:
        gate.set()
    assert await asyncio.gather(*slow) == [True] * 100
