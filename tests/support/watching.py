"""What sockets hear of people, waited for."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any
from uuid import UUID

import jwt

from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.shop import Shop
from tests.support.sockets import SECONDS, ChatSocket, Doors, Frame, agent_token, resigned

PAGE = {"url": "https://shop.example/lamps", "title": "Lamps", "referrer": "https://search.example/"}
TRIES = 5  # of what a slow machine may not let happen in time


async def live(inbox: ChatSocket, who: Principal, *, on: bool = True, url: str | None = None) -> Frame:
    """The visitor as the agent hears of them: here or gone, and on this page if one is named."""

    def of(frame: Frame) -> Frame | None:
        return next((one for one in frame.get("visitors", ()) if one["id"] == str(who.id)), None)

    def fits(frame: Frame) -> bool:
        found = of(frame) if frame["t"] == "presence" else None
        return found is not None and found["on"] == on and url in (None, found["page"]["url"])

    found = of(await inbox.expect_one(fits, f"{who.name} {on=} {url=}"))
    assert found
    return found


def told_of(inbox: ChatSocket, who: Principal) -> list[Frame]:
    """All that an agent heard of a visitor's presence."""
    return [one for frame in inbox.came("presence") for one in frame.get("visitors", ()) if one["id"] == str(who.id)]


def named(who: Principal) -> Frame:
    """Somebody as frames name them."""
    return {"kind": who.kind, "id": str(who.id), "name": who.name}


async def comes_and_goes(doors: Doors, shop: Shop, agent: Principal, room: UUID, inbox: ChatSocket) -> None:
    """An agent comes to the room, goes, and is taken for gone there and everywhere, as those are who went before them."""
    async with doors.agent(shop.tenant, agent) as socket:
        await socket.join(room)
        await inbox.expect("people", room=str(room), who=named(agent), on=True)
    await inbox.expect("people", room=str(room), who=named(agent), on=False)
    await inbox.expect("presence", who=named(agent), state="offline")


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask again until it holds."""
    async with asyncio.timeout(SECONDS):
        while not await holds():
            await asyncio.sleep(0.05)


async def marks_of(socket: ChatSocket, room: UUID, mark: Frame) -> bool:
    """Whether a newcomer to the room would be told of this read mark."""
    return mark in (await socket.join(room))["marks"]


async def unread(doors: Doors, shop: Shop, count: int) -> bool:
    """Whether the owner has so many unseen notifications."""
    async with doors.socket(doors.agent_url(shop.tenant)) as inbox:
        return bool((await inbox.hello(agent_token(shop.tenant, shop.owner)))["unread"] == count)


async def first(sockets: Sequence[ChatSocket], wait: Callable[[ChatSocket], Coroutine[Any, Any, Any]]) -> Any:
    """What the first of them waits for; the others need not."""
    tasks = [asyncio.create_task(wait(socket)) for socket in sockets]
    try:
        return await next(asyncio.as_completed(tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def soon_expired(token: str, tenant: TenantRef) -> str:
    """The same socket ticket, with eight seconds left to live."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return resigned({**claims, "exp": int(time.time()) + 8}, tenant)
