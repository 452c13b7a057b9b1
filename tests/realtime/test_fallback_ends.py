"""How polls over HTTP end before their time: the server goes, a tenant holds too many, somebody signs out."""

import asyncio
from contextlib import AsyncExitStack

from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.cast import PASSWORD
from tests.support.polls import HttpDoors, Poller, quiet
from tests.support.server import running
from tests.support.shop import Shop


async def test_a_drain_answers_a_poll_at_once(acme: TenantRef, vic: Principal) -> None:
    with running("uvicorn") as server:
        async with HttpDoors(server).visitor(acme, vic) as widget:
            await quiet(widget)
            poll = asyncio.create_task(widget.poll())
            await asyncio.sleep(0.5)
            server.terminate()
            (bye,) = await asyncio.wait_for(poll, 5)
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
            held = []
            for client in ours[:2]:
                await client.poll()
                held.append(asyncio.create_task(hold(client)))
            await asyncio.sleep(0.5)
            refused = await ours[2].post("events", {})
            assert (refused.status_code, refused.json()["error"]["close"]) == (503, 4013)
            assert refused.json()["error"]["retry_after"] > 0
            assert (await theirs.poll())[0]["t"] == "welcome"
            for task in held:
                task.cancel()
            await asyncio.wait(held)
            await asyncio.sleep(0.5)
            assert (await ours[2].poll())[0]["t"] == "welcome"
        assert server.complaints() == []


async def hold(client: Poller) -> None:
    """Poll on and on."""
    while True:
        await client.poll()


async def test_who_is_signed_out_hears_it_in_the_poll(web: HttpDoors, acme: TenantRef) -> None:
    async with web.at(f"acme.{web.server.base_host}") as http:
        who = {"email": "ben@acme.example", "password": PASSWORD}
        tokens = (await http.post("/api/v1/auth/token", json=who)).json()
        inbox = Poller(http, "/api/v1", tokens["access"])
        await quiet(inbox)
        poll = asyncio.create_task(inbox.post("events", {"cursor": inbox.cursor}))
        await asyncio.sleep(0.3)
        await http.post("/api/v1/auth/sign-out", json={"refresh": tokens["refresh"]})
        answer = await asyncio.wait_for(poll, 5)
        assert (answer.status_code, answer.json()["error"]["close"]) == (401, 4401)
