"""What one client says over several lines at once, each of which begins with what is not settled, is stored in the order said.

So it is when a line ends: what was on its way over it may arrive beside, or after, what is said again over the next.
"""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.polls import HttpDoors
from tests.support.sockets import Doors
from tests.support.stored import texts

Frame = dict[str, Any]


def frames_of(room: UUID, count: int) -> list[Frame]:
    return [{"t": "send", "cid": uuid4(), "room": room, "text": f"line {n}"} for n in range(count)]


def words_of(frames: list[Frame]) -> list[str]:
    return [frame["text"] for frame in frames]


async def test_requests_side_by_side(web: HttpDoors, acme: TenantRef, vic: Principal, room: UUID) -> None:
    frames = frames_of(room, 20)
    async with web.visitor(acme, vic) as widget:
        await asyncio.gather(*(widget.say(*frames[:said]) for said in (4, 8, 12, 16, 20)))
    assert await texts(acme, room) == ["one", "two", *words_of(frames)]


async def test_a_request_beside_a_socket_and_back(
    web: HttpDoors, doors: Doors, acme: TenantRef, vic: Principal, room: UUID
) -> None:
    frames = frames_of(room, 20)
    async with web.visitor(acme, vic) as by_request, doors.visitor(acme, vic) as first, doors.visitor(acme, vic) as second:
        asked = asyncio.create_task(by_request.say(*frames[:10]))
        for frame in frames[:5]:
            await first.say_text(json.dumps(frame, default=str))
        first.cut()
        for frame in frames:
            await second.say_text(json.dumps(frame, default=str))
        await asked
        for frame in frames:
            await second.expect("ack", cid=str(frame["cid"]))
    assert await texts(acme, room) == ["one", "two", *words_of(frames)]
