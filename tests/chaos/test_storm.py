"""900 messages through 50 killed sockets, half of the acks withheld: 0 lost, 0 doubled, in order."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from saas.up.redis import RedisServer
from tenants.context import TenantRef
from tests.chaos.storm import Person, alive, calm, check_database, check_viewers, new_lines, strike
from tests.support.server import Server, running
from tests.support.shop import Shop
from tests.support.sockets import ChatSocket, Doors
from tests.support.stored import stored

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(180)]

Welcomed = AbstractAsyncContextManager[ChatSocket]

VISITORS, AGENTS = 10, 3
BY_VISITORS, BY_AGENTS = 600, 300
KILLS = 50


@pytest.fixture(
    params=[
        pytest.param("uvicorn", marks=pytest.mark.xdist_group("storm-one")),
        pytest.param("daphne", marks=pytest.mark.xdist_group("storm-one")),
        pytest.param("two processes", marks=pytest.mark.xdist_group("storm-two")),
    ]
)
def servers(request: pytest.FixtureRequest, cast: dict[str, TenantRef]) -> Iterator[list[Server]]:
    if request.param != "two processes":
        with running(request.param) as server:
            yield [server]
        return
    with RedisServer() as url, running(redis_url=url) as left, running(redis_url=url) as right:
        yield [left, right]


async def test_nothing_is_lost_doubled_or_out_of_order(servers: list[Server], shop: Shop) -> None:
    seed = int(os.environ.get("STORM_SEED", random.randrange(2**32)))
    print(f"STORM_SEED={seed}")  # noqa: T201 - shown with a failure, and makes it happen again
    dice = random.Random(seed)
    people, rooms = await cast_of(shop, [Doors(server) for server in servers], dice)
    async with alive(people):
        await strike(people, KILLS, dice)
        await calm(people, {str(room): len(said_in(people, room)) for room in rooms})
    assert sum(person.kills for person in people) >= KILLS
    assert [frame for person in people for frame in person.refused] == []
    assert sum(len(said_in(people, room)) for room in rooms) == BY_VISITORS + BY_AGENTS
    for room in rooms:
        lines = await stored(shop.tenant, room)
        check_database(lines, said_in(people, room))
        check_viewers(lines, people, room)
    for server in servers:
        assert server.complaints() == []


async def cast_of(shop: Shop, doors: list[Doors], dice: random.Random) -> tuple[list[Person], list[UUID]]:
    """Ten visitors with a room each, three agents in all the rooms; who connects where is left to the dice."""
    who = [await shop.visitor() for _ in range(VISITORS)]
    rooms = [await shop.room(one) for one in who]
    agents = [shop.owner, *[await shop.member("agent") for _ in range(AGENTS - 1)]]
    people = []
    for one, room in zip(who, rooms, strict=True):
        connect = partial(_through, [partial(door.visitor, shop.tenant, one) for door in doors], dice)
        said = new_lines(room, f"visitor {one.id}", BY_VISITORS // VISITORS)
        people.append(Person(one.name, connect, [room], said, random.Random(dice.random())))
    for agent in agents:
        connect = partial(_through, [partial(door.agent, shop.tenant, agent) for door in doors], dice)
        by_room = [new_lines(room, f"agent {agent.id}", BY_AGENTS // AGENTS // len(rooms)) for room in rooms]
        said = [line for turn in zip(*by_room, strict=True) for line in turn]
        people.append(Person(agent.name, connect, rooms, said, random.Random(dice.random())))
    return people, rooms


def said_in(people: list[Person], room: UUID) -> dict[UUID, str]:
    """Everything that anybody said in the room, by cid."""
    return {cid: text for person in people for where, cid, text in person.said if where == room}


def _through(doors: list[Callable[..., Welcomed]], dice: random.Random, **hello: Any) -> Welcomed:
    """Connect to one of the processes, whichever the balancer takes."""
    return dice.choice(doors)(**hello)
