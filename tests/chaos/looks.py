"""What everybody is shown when all is over, on every path that they have: a new socket, frames by HTTP, and the lists."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import httpx
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from tests.chaos.habits import Address
from tests.chaos.people import opened
from tests.chaos.person import Person
from tests.chaos.polls import requests_to
from tests.support.cast import PASSWORD

LOOK_SECONDS: Final = 15.0  # for one path
TRIES: Final = 6
AGENT_PATHS: Final = ("/notifications", "/rooms", "/reports?status=all")
VISITOR_PATHS: Final = ("/config", "/rooms")
FAILED: Final = (OSError, TimeoutError, EOFError, WebSocketException, httpx.HTTPError, KeyError)

Path = Callable[[Person, Address], Awaitable[list[str]]]


async def look_all(people: Sequence[Person]) -> list[str]:
    """Let these look; what went wrong with it, in words."""
    found = await asyncio.gather(*(look(person) for person in people), return_exceptions=True)
    return [f"somebody could not look any more: {failed!r}" for failed in found if failed]


async def look(person: Person) -> None:
    """Put into the log what they are answered. Raises when nobody answers, though nothing is broken any more."""
    for path in (_by_socket, _by_http):
        person.log.looked += await _answered(path, person)


async def _answered(path: Path, person: Person) -> list[str]:
    for _ in range(TRIES):
        with suppress(*FAILED):
            return await _try(path, person)
        await asyncio.sleep(1.0)
    return await _try(path, person)


async def _try(path: Path, person: Person) -> list[str]:
    address = person.address()
    assert address is not None
    async with asyncio.timeout(LOOK_SECONDS):
        return await path(person, address)


async def _by_socket(person: Person, address: Address) -> list[str]:
    """The welcome, and the newest page of each room; those that are not theirs are asked for, too."""
    heard: list[str] = []
    async with opened(address) as connection:
        await connection.send(json.dumps({"t": "hello", "v": 1, "token": address.token, "rooms": []}))
        await _until(connection, heard, {"welcome"})
        for room in (*person.log.rooms, *person.strange):
            await connection.send(json.dumps({"t": "join", "ref": "look", "room": room}))
            await _until(connection, heard, {"joined", "err"})
    return heard


async def _until(connection: ClientConnection, heard: list[str], kinds: set[str]) -> None:
    """Hear everything up to a frame of these kinds."""
    while True:
        heard.append(str(await connection.recv()))
        if json.loads(heard[-1])["t"] in kinds:
            return


async def _by_http(person: Person, address: Address) -> list[str]:
    """A poll without a cursor, and the lists."""
    async with requests_to(address) as http:
        rooms: list[Any] = [{"room": room, "epoch": view.epoch, "after": 0} for room, view in person.views.items()]
        answers = [await http.post("/events", json={"rooms": rooms})]
        if address.email:
            said = {"email": address.email, "password": PASSWORD}
            signed = (await http.post("/auth/token", json=said)).json()
            http.headers["Authorization"] = f"Bearer {signed['access']}"
        answers += [await http.get(path) for path in (AGENT_PATHS if address.email else VISITOR_PATHS)]
    for answer in answers:
        answer.raise_for_status()
    return [answer.text for answer in answers]
