"""What each limit of the chat refuses, with when to come back, and that it refuses nobody else."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from chat.limits import JOIN_PER_PERSON, SEND_PER_TENANT
from chat.selectors.messages import snapshot
from saas.core import registry
from tenants import plans
from tenants.context import TenantRef, run_in_tenant
from tenants.tokens import Principal
from tests.support.polls import HttpDoors
from tests.support.server import Server, running
from tests.support.shop import Shop
from tests.support.sockets import ChatSocket, Doors, key_of, visitor_token
from tests.support.stored import texts

pytestmark = pytest.mark.xdist_group("realtime-limits")

# Small numbers, so that a test reaches them at once, over so long that no permit comes back while it runs, but for who waits and
# who is refused. A proxy of ours says where a client comes from.
LIMITS = {
    "chat.send.person": "5/3600",
    "chat.send.ip": "8/3600",
    "chat.send.tenant": "12/3600",
    "chat.change.person": "3/3600",
    "chat.join.person": "4/3600",
    "chat.resume.person": "6/3600",
    "chat.history.person": "3/3600",
    "chat.page.person": "2/3600",
    "chat.open.ip": "2/3600",
    "chat.hello.ip": "7/3600",
    "chat.hello.person": "6/3600",
    "chat.poll.person": "4/3600",
    "chat.waiting.ip": "3/1",
    "chat.refused": "50/30",
}


@pytest.fixture(scope="module")
def tight(cast: dict[str, TenantRef]) -> Iterator[Server]:
    """A server whose limits are small."""
    with running(LIMITS=" ".join(f"{name}={numbers}" for name, numbers in LIMITS.items()), TRUST_PROXY="1") as server:
        yield server


@pytest.fixture
def gate(tight: Server, acme: TenantRef) -> Iterator[Doors]:
    """Its doors; its log must stay quiet."""
    key_of(acme)
    before = len(tight.complaints())
    yield Doors(tight)
    assert tight.complaints()[before:] == []


def coming_from(address: str) -> dict[str, Any]:
    """What the proxy adds to a handshake."""
    return {"additional_headers": {"X-Forwarded-For": f"198.51.100.1, {address}"}}


@asynccontextmanager
async def visiting(gate: Doors, shop: Shop, who: Principal, address: str, **hello: Any) -> AsyncIterator[ChatSocket]:
    """A visitor at an address, welcomed."""
    async with gate.socket(gate.visitor_url(key_of(shop.tenant)), **coming_from(address)) as socket:
        await socket.hello(visitor_token(shop.tenant, who), **hello)
        yield socket


def address() -> str:
    """An address of its own for each client that must not share one."""
    return f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"


async def refused(socket: ChatSocket, times: int, frame_type: str, **fields: Any) -> list[dict[str, Any]]:
    """Say the same so often, each with a ref or a cid of its own, and wait for the answers; those that refuse it for its pace."""
    name = {"send": "cid", "react": "cid", "join": "ref", "history": "ref"}[frame_type]
    own = [str(uuid4()) for _ in range(times)]
    for one in own:
        await socket.say(frame_type, **{name: one}, **fields)
    answers = [await socket.expect_one(partial(_answers, name, one), f"{name} {one}") for one in own]
    return [frame for frame in answers if frame.get("code") == "rate_limited"]


def _answers(name: str, one: str, frame: dict[str, Any]) -> bool:
    return frame.get(name) == one


class TestFrames:
    async def test_a_persons_messages_over_two_sockets_at_two_addresses(self, gate: Doors, shop: Shop) -> None:
        who = await shop.visitor()
        room = await shop.room(who)
        async with visiting(gate, shop, who, address()) as one, visiting(gate, shop, who, address()) as two:
            for socket in (one, two):
                await socket.join(room)
            assert await refused(one, 3, "send", room=room, text="x") == []
            found = await refused(two, 4, "send", room=room, text="x")
            assert len(found) == 2
            assert all(0 < frame["retry_after"] <= 3600 for frame in found)
        assert len(await texts(shop.tenant, room)) == 5

    async def test_an_addresss_messages_and_nobody_elses(self, gate: Doors, shop: Shop) -> None:
        people = [await shop.visitor() for _ in range(3)]
        rooms = [await shop.room(who) for who in people]
        office = "203.0.113.77"
        async with AsyncExitStack() as stack:
            one, two = [await stack.enter_async_context(visiting(gate, shop, who, office)) for who in people[:2]]
            home = await stack.enter_async_context(visiting(gate, shop, people[2], address()))
            assert await refused(one, 5, "send", room=rooms[0], text="x") == []
            assert len(await refused(two, 5, "send", room=rooms[1], text="x")) == 2
            assert await refused(home, 4, "send", room=rooms[2], text="x") == []

    async def test_a_tenants_messages_and_no_other_tenants(
        self, gate: Doors, shop: Shop, acme: TenantRef, vic: Principal
    ) -> None:
        people = [await shop.visitor() for _ in range(3)]
        rooms = [await shop.room(who) for who in people]
        async with AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(visiting(gate, shop, who, address())) for who in people]
            found = [len(await refused(at, 5, "send", room=room, text="x")) for at, room in zip(sockets, rooms, strict=True)]
            assert found == [0, 0, 3]
            async with gate.visitor(acme, vic) as other:
                room = await other.open("another tenant's")
                await other.send(room, "goes on")

    async def test_changes_joins_pages_of_history_and_moves(self, gate: Doors, shop: Shop) -> None:
        who = await shop.visitor()
        room = await shop.room(who)
        async with visiting(gate, shop, who, address()) as socket:
            await socket.join(room)
            message = (await socket.send(room, "mine"))["id"]
            assert len(await refused(socket, 5, "react", room=room, message=message, emoji="👍", on=True)) == 2
            assert len(await refused(socket, 5, "history", room=room, before=9)) == 2
            assert len(await refused(socket, 5, "join", room=room)) == 2, "one was joined before"
            for _ in range(3):
                await socket.say("page", url="https://shop.example/")
            assert (await socket.expect_error("rate_limited"))["retry_after"] > 0

    async def test_new_rooms_of_one_address(self, gate: Doors, shop: Shop) -> None:
        people = [await shop.visitor() for _ in range(3)]
        async with AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(visiting(gate, shop, who, "203.0.113.5")) for who in people]
            for socket in sockets[:2]:
                await socket.open("Hello")
            await sockets[2].say("open", cid=uuid4(), kind="support", text="Hello")
            assert (await sockets[2].expect_error("rate_limited"))["retry_after"] > 0

    async def test_after_a_refused_message_nothing_overtakes_it(self, gate: Doors, shop: Shop) -> None:
        who = await shop.visitor()
        room = await shop.room(who)
        async with visiting(gate, shop, who, address()) as socket:
            await socket.join(room)
            for number in range(12):
                await socket.say("send", cid=uuid4(), room=room, text=str(number))
            for _ in range(7):
                await socket.expect_error("rate_limited")
            for _ in range(5):
                await socket.expect("ack")
            assert await texts(shop.tenant, room) == ["0", "1", "2", "3", "4"]

    async def test_a_refused_change_holds_its_room_and_no_other(self, gate: Doors, shop: Shop) -> None:
        who = await shop.visitor()
        here, there = [await shop.room(who) for _ in range(2)]
        async with visiting(gate, shop, who, address()) as socket:
            for place in (here, there):
                await socket.join(place)
            message = (await socket.send(here, "mine"))["id"]
            assert len(await refused(socket, 5, "react", room=here, message=message, emoji="👍", on=True)) == 2
            held = await refused(socket, 1, "send", room=here, text="after it")
            assert held[0]["retry_after"] > 0
            await socket.send(there, "another room")
        assert await texts(shop.tenant, here) == ["mine"]

    async def test_who_is_refused_again_and_again_is_not_read_for_a_while(self, gate: Doors, shop: Shop) -> None:
        """All of it is refused in the end, and a flood that nobody reads costs nothing."""
        who = await shop.visitor()
        room = await shop.room(who)
        async with visiting(gate, shop, who, address()) as socket:
            await socket.join(room)
            for number in range(65):
                await socket.say("send", cid=uuid4(), room=room, text=str(number))
            while len(socket.came("err")) < 51:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.5)
            assert len(socket.came("err")) < 60
            await socket.say("ping", n=7)
            await socket.expect("pong", n=7)
            while len(socket.came("err")) < 60:
                await asyncio.sleep(0.01)
            assert len(socket.came("err", code="rate_limited")) == 60
        assert await texts(shop.tenant, room) == ["0", "1", "2", "3", "4"]


class TestComingIn:
    async def test_too_many_hellos_of_one_address_are_told_when_to_come_back(self, gate: Doors, shop: Shop) -> None:
        people = [await shop.visitor() for _ in range(8)]
        for who in people[:7]:
            async with visiting(gate, shop, who, "203.0.113.8"):
                pass
        async with gate.socket(gate.visitor_url(key_of(shop.tenant)), **coming_from("203.0.113.8")) as socket:
            await socket.say("hello", v=1, token=visitor_token(shop.tenant, people[7]))
            assert (await socket.expect_error("rate_limited"))["retry_after"] > 0
            await socket.expect_close(4013)
        async with visiting(gate, shop, people[7], "203.0.113.9"):
            pass

    async def test_who_says_hello_again_and_again(self, gate: Doors, shop: Shop) -> None:
        who = await shop.visitor()
        for _ in range(6):
            async with visiting(gate, shop, who, address()):
                pass
        async with gate.socket(gate.visitor_url(key_of(shop.tenant)), **coming_from(address())) as socket:
            await socket.say("hello", v=1, token=visitor_token(shop.tenant, who))
            await socket.expect_error("rate_limited")
            await socket.expect_close(4013)

    async def test_only_so_many_sockets_of_an_address_may_be_silent(self, gate: Doors, shop: Shop) -> None:
        url, who = gate.visitor_url(key_of(shop.tenant)), await shop.visitor()
        async with AsyncExitStack() as stack:
            silent = [await stack.enter_async_context(gate.socket(url, **coming_from("203.0.113.20"))) for _ in range(3)]
            fourth = await stack.enter_async_context(gate.socket(url, **coming_from("203.0.113.20")))
            assert (await fourth.expect_error("busy"))["retry_after"] > 0
            await fourth.expect_close(4013)
            async with visiting(gate, shop, who, "203.0.113.21"):
                pass
            await silent[0].hello(visitor_token(shop.tenant, who))
            fifth = await stack.enter_async_context(gate.socket(url, **coming_from("203.0.113.20")))
            await fifth.hello(visitor_token(shop.tenant, who))

    async def test_what_a_client_says_of_its_own_address_does_not_count(self, gate: Doors, shop: Shop) -> None:
        """The proxy writes the last one; what stands before it is anybody's word."""
        people = [await shop.visitor() for _ in range(8)]
        for number, who in enumerate(people[:7]):
            said: dict[str, Any] = {"additional_headers": {"X-Forwarded-For": f"192.0.2.{number}, 203.0.113.30"}}
            async with gate.socket(gate.visitor_url(key_of(shop.tenant)), **said) as socket:
                await socket.hello(visitor_token(shop.tenant, who))
        async with gate.socket(gate.visitor_url(key_of(shop.tenant)), **coming_from("203.0.113.30")) as socket:
            await socket.say("hello", v=1, token=visitor_token(shop.tenant, people[7]))
            await socket.expect_close(4013)

    async def test_requests_of_who_has_no_socket(self, tight: Server, shop: Shop) -> None:
        who = await shop.visitor()
        async with HttpDoors(tight).visitor(shop.tenant, who) as client:
            answers = [await client.post("frames", {"frames": []}) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
        assert int(answers[-1].headers["Retry-After"]) >= answers[-1].json()["error"]["retry_after"] > 0


class TestRooms:
    """Rooms that are joined beside `join`."""

    async def test_of_who_comes_back_and_what_is_too_many_costs_none(self, gate: Doors, shop: Shop) -> None:
        """More than are left are taken whole, so that nobody has too many to come back. The next ones wait for that."""
        who, rooms = await known(shop, 5)
        for _ in range(2):
            async with visiting(gate, shop, who, address(), rooms=rooms) as socket:
                for _ in rooms:
                    await socket.expect("joined", resumed=True)
        async with gate.socket(gate.visitor_url(key_of(shop.tenant)), **coming_from(address())) as socket:
            await socket.say("hello", v=1, token=visitor_token(shop.tenant, who), rooms=rooms)
            assert (await socket.expect_error("rate_limited"))["retry_after"] > 0
            await socket.expect_close(4013)
            assert socket.came("left") == []
        other, theirs = await known(shop, 5)
        async with visiting(gate, shop, other, address(), rooms=theirs) as socket:
            await socket.expect("joined", resumed=True)

    async def test_of_polls(self, tight: Server, shop: Shop) -> None:
        who, rooms = await known(shop, 5)
        async with HttpDoors(tight).visitor(shop.tenant, who) as client:
            answers = [await client.post("events", {"rooms": rooms}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[-1].json()["error"]["retry_after"] > 0

    async def test_of_frames_that_need_a_place_in_the_room(self, tight: Server, shop: Shop) -> None:
        room = await shop.room(who := await shop.visitor())
        async with HttpDoors(tight).visitor(shop.tenant, who) as client:
            answers = await client.say(*({"t": "leave", "ref": number, "room": room} for number in range(6)))
        assert [(answer["t"], answer.get("code")) for answer in answers] == [("left", None)] * 4 + [("err", "rate_limited")] * 2


async def known(shop: Shop, many: int) -> tuple[Principal, list[dict[str, Any]]]:
    """A new visitor, and so many positions in rooms of theirs."""
    who = await shop.visitor()
    found = [await run_in_tenant(shop.tenant, snapshot, who, await shop.room(who)) for _ in range(many)]
    return who, [{"room": str(one.summary.id), "epoch": str(one.epoch), "after": one.head} for one in found]


async def test_a_plan_that_allows_more(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = registry.Hook("limits_of_plan")
    hook.fill(lambda tenant: {"chat.send.tenant": 3.0} if tenant == shop.tenant else None)
    monkeypatch.setattr(registry, "limits_of_plan", hook)
    plan = await plans.a_plan_of(shop.tenant)
    assert plan.of(SEND_PER_TENANT).times == 3 * SEND_PER_TENANT.times
    assert plan.of(JOIN_PER_PERSON) == JOIN_PER_PERSON
    assert (await asyncio.to_thread(plans.plan_of, shop.tenant)) == plan
