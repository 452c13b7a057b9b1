"""How polls over HTTP end before their time: the server goes, a tenant holds too many, somebody signs out."""

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest

from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.cast import PASSWORD
from tests.support.journals import tables_of
from tests.support.polls import SOON, HttpDoors, Poller, held, quiet
from tests.support.server import Kind, running
from tests.support.shop import Shop
from tests.support.sockets import Doors
from tests.support.telling import Superuser
from tests.support.waiting import WAITING
from tests.support.watching import until


async def test_a_drain_answers_a_poll_at_once(acme: TenantRef, vic: Principal, agent_ben: Principal) -> None:
    with running("uvicorn") as server:
        async with Doors(server).agent(acme, agent_ben) as inbox, HttpDoors(server).visitor(acme, vic) as widget:
            await quiet(widget)
            poll = await held(widget.poll, vic, inbox)
            server.terminate()
            (bye,) = await asyncio.wait_for(poll, SOON)
            assert (bye["t"], bye["code"]) == ("bye", 1012)
            assert bye["after"] >= 0
        assert server.wait() == 0
        assert server.complaints() == []


async def test_one_tenants_polls_leave_room_for_anothers(shop: Shop, globex: TenantRef, val: Principal) -> None:
    people = [await shop.visitor() for _ in range(3)]
    with running("uvicorn", LIMITS="chat.held.tenant=2/1") as server:
        async with AsyncExitStack() as stack:
            ours = [await stack.enter_async_context(HttpDoors(server).visitor(shop.tenant, who)) for who in people]
            theirs = await stack.enter_async_context(HttpDoors(server).visitor(globex, val))
            inbox = await stack.enter_async_context(Doors(server).agent(shop.tenant, shop.owner))
            for client in ours[:2]:
                await quiet(client)
            polls = [await held(client.poll, who, inbox) for client, who in zip(ours[:2], people[:2], strict=True)]
            refused = await ours[2].post("events", {})
            assert (refused.status_code, refused.json()["error"]["close"]) == (503, 4013)
            assert refused.json()["error"]["retry_after"] > 0
            assert (await theirs.poll())[0]["t"] == "welcome"
            for poll in polls:
                assert not poll.done()
                poll.cancel()
            await asyncio.wait(polls)
            await until(lambda: finds_a_place(ours[2]))
            assert (await ours[2].poll())[0]["t"] == "welcome"
        assert server.complaints() == []


async def finds_a_place(client: Poller) -> bool:
    """Whether the server has room for one more poll of this client, which is answered at once."""
    answer = await client.post("events", {})
    assert answer.status_code in (200, 503), answer.text
    return answer.status_code == 200


@pytest.mark.parametrize("kind", ["uvicorn", "daphne"])
async def test_who_is_signed_out_hears_it_in_the_poll(kind: Kind, acme: TenantRef, vic: Principal) -> None:
    with running(kind, LIMITS="chat.held.tenant=1/1") as server:
        doors = HttpDoors(server)
        async with doors.at(f"acme.{server.base_host}") as http, doors.visitor(acme, vic) as other:
            inbox, refresh = await ben_at(http)
            await other.poll()  # they are here from now on, and no news any more
            await quiet(inbox)
            poll = await holding_the_only_place(inbox, other)
            await http.post("/api/v1/auth/sign-out", json={"refresh": refresh})
            answer = await asyncio.wait_for(poll, SOON)
            assert (answer.status_code, answer.json()["error"]["close"]) == (401, 4401)


async def test_who_is_signed_out_while_their_poll_comes_in_hears_it_at_once(
    web: HttpDoors, acme: TenantRef, superuser: Superuser
) -> None:
    async def is_reading() -> bool:
        return superuser.execute(WAITING).fetchone() != (0,)

    async with web.at(f"acme.{web.server.base_host}") as http:
        inbox, refresh = await ben_at(http)
        with superuser.transaction():
            superuser.execute(tables_of(acme))
            poll = asyncio.create_task(inbox.ask())
            await until(is_reading)
            await http.post("/api/v1/auth/sign-out", json={"refresh": refresh})
        answer = await asyncio.wait_for(poll, SOON)
        assert (answer.status_code, answer.json()["error"]["close"]) == (401, 4401)


async def ben_at(http: httpx.AsyncClient) -> tuple[Poller, str]:
    """Ben after a sign-in of his own, and the token that ends it."""
    tokens = (await http.post("/api/v1/auth/token", json={"email": "ben@acme.example", "password": PASSWORD})).json()
    return Poller(http, "/api/v1", tokens["access"]), tokens["refresh"]


async def holding_the_only_place(client: Poller, other: Poller) -> asyncio.Task[httpx.Response]:
    """A poll that the server holds: another client of the tenant finds no place."""
    await until(lambda: finds_a_place(other))  # what was held before is over
    poll = asyncio.create_task(placed(client))
    await until(lambda: finds_none(other))
    assert not poll.done()
    return poll


async def placed(client: Poller) -> httpx.Response:
    """The answer to a poll for which there was a place: where another was faster, it asks again."""
    while (answer := await client.ask()).status_code == 503:
        pass
    return answer


async def finds_none(client: Poller) -> bool:
    return not await finds_a_place(client)
