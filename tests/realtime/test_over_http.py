"""What HTTP tells of the sockets: who is here, and what was done over HTTP reaching those who are."""

from typing import Any

import httpx

from tenants.context import run_on_platform
from tests.support.server import Server
from tests.support.shop import Shop
from tests.support.sockets import Doors
from tests.support.talk import access_of as signed_in
from tests.support.talk import embed_key
from tests.support.watching import until


async def ask(server: Server, host: str, path: str, *, method: str = "GET", token: str = "") -> Any:
    """The JSON of an answer."""
    headers = {"Host": f"{host}.{server.base_host}"} | ({"Authorization": f"Bearer {token}"} if token else {})
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=60) as client:
        answer = await client.request(method, path)
        assert answer.status_code == 200, answer.text
        return answer.json()


async def access_of(shop: Shop) -> str:
    """An access token of the shop's owner."""
    return await signed_in(shop.tenant, f"owner@{shop.tenant.slug}.example")


async def _is_online(server: Server, path: str) -> bool:
    return bool((await ask(server, "widget", path))["online"])


async def test_config_says_whether_somebody_answers(server: Server, doors: Doors, shop: Shop) -> None:
    path = f"/w/{(await run_on_platform(embed_key, shop.tenant)).key}/config"
    assert (await ask(server, "widget", path))["online"] is False
    async with doors.agent(shop.tenant, shop.owner) as inbox:
        await inbox.settled()
        await until(lambda: _is_online(server, path))  # the answer may be some seconds old


async def test_a_visitor_alone_is_nobody_who_answers(server: Server, doors: Doors, shop: Shop) -> None:
    path = f"/w/{(await run_on_platform(embed_key, shop.tenant)).key}/config"
    async with doors.visitor(shop.tenant, await shop.visitor()) as widget:
        await widget.settled()
        assert (await ask(server, "widget", path))["online"] is False


async def test_the_room_says_whether_its_visitor_is_here(server: Server, doors: Doors, shop: Shop) -> None:
    vic, token = await shop.visitor(), await access_of(shop)
    path = f"/api/v1/rooms/{await shop.room(vic, 'hello')}"
    assert (await ask(server, shop.tenant.slug, path, token=token))["visitor"]["online"] is False
    async with doors.visitor(shop.tenant, vic) as widget:
        await widget.settled()
        assert (await ask(server, shop.tenant.slug, path, token=token))["visitor"]["online"] is True


async def test_resolving_over_http_is_seen_in_the_room(server: Server, doors: Doors, shop: Shop) -> None:
    vic, token = await shop.visitor(), await access_of(shop)
    room = await shop.room(vic, "hello")
    async with doors.visitor(shop.tenant, vic) as widget, doors.agent(shop.tenant, shop.owner) as inbox:
        await widget.join(room)
        said = await ask(server, shop.tenant.slug, f"/api/v1/rooms/{room}/resolve", method="POST", token=token)
        line = (await widget.expect("msg", room=str(room), seq=2))["message"]
        assert (line["kind"], line["by"]["kind"]) == ("system", "system")
        told = await inbox.expect_one(lambda one: one["t"] == "room" and one["room"] == str(room), "the room's summary")
        assert (told["summary"]["status"], told["summary"]["rev"]) == ("resolved", said["room"]["rev"])
